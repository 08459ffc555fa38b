from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dse.analysis.search import NO_SAMPLE_SENTENCE, SearchSummary, summarise_search, table_row

NETWORK = {"depths": [1, 2], "dims": [8, 16], "kernel_sizes": [3, 7]}


def training(index: int, error: float | None, replicate: int = 0, **changes: Any) -> dict[str, Any]:
    return {
        "study": "a search",
        "index": index,
        "replicate": replicate,
        "state": "complete" if error is not None else "diverged",
        "error": np.nan if error is None else error,
        "test_images": 100,
        "classes": 4,
        "device": "cpu",
        "dtype": "float32",
        "flops": 10,
        "params": 100 - index,
        "activations": 10,
        "architecture": NETWORK | {"stem_width": index},
    } | changes


ROWS = [
    training(0, 0.30),
    training(1, 0.10),
    training(2, 0.20),
    training(3, None),
    training(4, None, state="stopped"),
    training(5, 0.25),
    training(1, 0.16, replicate=1),
    training(2, 0.18, replicate=1),
]


def summary(rows: list[dict[str, Any]] = ROWS, **changes: Any) -> SearchSummary:
    options: dict[str, Any] = {
        "objectives": ["error", "params"],
        "finalists": 2,
        "algorithm": "tpe",
        "embedded": False,
    }
    return summarise_search(pd.DataFrame(rows), **(options | changes))


def test_networks_are_counted_by_what_became_of_them() -> None:
    found = summary()
    assert found.networks == 6
    assert found.states == {"complete": 4, "diverged": 1, "stopped": 1}
    assert found.sentences[0] == "6 networks: 4 trained to the end, 1 diverged, 1 stopped early."


def test_networks_with_fresh_seeds_come_first_by_their_means() -> None:
    found = summary()
    assert [place.index for place in found.ranked] == [1, 2, 5, 0]
    assert [row["fresh_error"] for row in found.rows] == [0.16, 0.18, None, None]


def test_what_was_selected_is_said_with_its_n_and_what_fresh_seeds_say() -> None:
    text = " ".join(summary().sentences)
    assert "Best of n = 4, each asked for by tpe" in text
    assert "network 1, with 10.0 % error (± 3.0 % by its 100 held-out images)" in text
    assert "16.0 % from a fresh one" in text
    assert NO_SAMPLE_SENTENCE in text


def test_how_much_too_good_the_first_errors_were_has_an_interval() -> None:
    gap = summary().optimism
    assert gap is not None
    gaps = np.array([0.06, -0.02])
    assert gap.n == 2
    assert gap.value == pytest.approx(gaps.mean())
    half = 12.7062 * gaps.std(ddof=1) / np.sqrt(2)  # Student's t, one degree of freedom
    assert (gap.lower, gap.upper) == pytest.approx((gap.value - half, gap.value + half), rel=1e-4)
    assert summary(ROWS[:6]).optimism is None
    one = summary(ROWS[:7]).optimism
    assert one is not None
    assert (one.value, one.n, one.lower) == (pytest.approx(0.06), 1, -np.inf)


def test_the_front_is_by_first_errors_of_whole_trainings() -> None:
    found = summary()
    assert found.front == (1, 2, 5)  # 0 is larger and worse; 4 was stopped
    assert [row["front"] for row in found.rows] == [True, True, True, False]
    assert "3 of n = 4 networks are on the Pareto front" in " ".join(found.sentences)


def test_of_one_objective_no_front_is_shown() -> None:
    found = summary(objectives=["error"])
    assert {row["front"] for row in found.rows} == {None}
    assert "Pareto" not in " ".join(found.sentences)
    assert "front" not in table_row(found.rows[0], found.objectives)


def test_a_search_that_found_nothing_says_so() -> None:
    found = summary([training(0, None), training(1, None, state="stopped")])
    assert found.rows == ()
    assert "there is no best one" in " ".join(found.sentences)


def test_equal_networks_and_notes_are_told() -> None:
    rows = [*ROWS[:2], training(2, 0.3, architecture=NETWORK | {"stem_width": 1})]
    text = " ".join(summary(rows, notes=["Remember the milk."]).sentences)
    assert "1 network equals an earlier one" in text
    assert "Remember the milk." in text


def test_rows_have_the_uncertainty_of_their_errors() -> None:
    row = summary().rows[0]
    assert row["standard_error"] == pytest.approx(np.sqrt(0.1 * 0.9 / 100))
    assert (row["kind"], row["study"], row["best_of"]) == ("search", "a search", 4)
    shown = table_row(row, ["error", "params"])
    assert shown["first seed"] == "10.0 % ± 3.0 %"
    assert shown["depths  widths  kernels"] == "1-2  8-16  3-7"
    bare = summary([training(0, 0.5, test_images=0)]).rows[0]
    assert bare["standard_error"] is None
