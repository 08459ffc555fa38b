"""How endings are told, and when a run gives up."""

from __future__ import annotations

import pytest

from dse.errors import UserError
from dse.study.launch.departures import EXIT_REPLACE, Departure, Ending, Patience

MOST = {1: 3, 2: 3, -9: 12, None: 12, EXIT_REPLACE: 12}


def departed(code: int | None) -> Departure:
    return Departure(name="w", ending=Ending(code=code, words="oops"), seconds=60)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (None, "lost with its machine: oops"),
        (-9, "killed (SIGKILL; out of memory, perhaps): oops"),
        (-11, "died of SIGSEGV: oops"),
        (-250, "died of signal 250: oops"),
        (2, "ended with exit code 2: oops"),
    ],
)
def test_an_ending_is_told_in_words(code: int | None, words: str) -> None:
    assert departed(code).reason.endswith(words)


@pytest.mark.parametrize(("code", "most"), MOST.items())
def test_patience_ends_after_so_many_failures_in_vain(code: int | None, most: int) -> None:
    patience = Patience(workers=2)
    for _ in range(most - 1):
        patience.judge([departed(code), departed(0)], left=5)
    with pytest.raises(UserError, match=rf"^{most} workers in a row ended .*oops\.$"):
        patience.judge([departed(code)], left=5)


def test_patience_begins_anew_when_a_trial_is_finished() -> None:
    patience = Patience(workers=1)
    for left in range(100, 0, -1):
        patience.judge([departed(1), departed(1)], left=left)
    patience.judge([], left=50)  # trials were added
    patience.judge([departed(1)], left=49)
