"""Orders, endings in words, and how many workers are kept, with an engine that only pretends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from dse.errors import UserError
from dse.study.launch import base
from dse.study.launch.base import PAUSE_SECONDS, Launcher, WorkerOrder
from dse.study.launch.departures import Ending


class Pretence(Launcher[str]):
    """Workers that end when a test says so."""

    kind: ClassVar[str] = "pretence"

    def __init__(self) -> None:
        super().__init__()
        self.hired: list[str] = []
        self.dismissed: list[str] = []
        self.end: dict[str, Ending] = {}

    def _hire(self, names: Sequence[str], order: WorkerOrder) -> dict[str, str]:
        self.hired += names
        return {name: name for name in names}

    def _endings(self, crew: Mapping[str, str]) -> dict[str, Ending]:
        return {name: self.end.pop(name) for name in crew if name in self.end}

    def _dismiss(self, crew: Mapping[str, str]) -> None:
        self.dismissed += crew


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which a test moves on."""
    now = [1000.0]
    monkeypatch.setattr(base.time, "monotonic", lambda: now[0])
    return now


def order(count: int, **options: object) -> WorkerOrder:
    return WorkerOrder(command=("dse", "worker"), count=count, logs=Path("/logs"), **options)


def test_an_order_says_each_worker_who_it_is_and_what_it_may_use() -> None:
    one = order(2, device="cuda", cores=4, gpus=0.25, memory=8_000_000_000)
    assert one.argv("w-1") == [
        *("dse", "worker", "--name", "w-1", "--log", "/logs/w-1.log", "--device", "cuda"),
        *("--memory", "7812500KiB", "--gpu-share", "0.25"),
    ]
    assert set(one.environment.values()) == {"4"}
    assert order(1).argv("w", device="cpu")[-2:] == ["--device", "cpu"]
    assert "--gpu-share" not in order(1, gpus=1.0).argv("w")


@pytest.mark.parametrize(
    "options",
    [{"cores": 0}, {"gpus": 1.5}, {"gpus": -0.1}, {"memory": 0}, {"gpus": 1, "device": "cpu"}],
)
def test_an_order_without_sense_is_an_error_of_the_code(options: dict[str, object]) -> None:
    with pytest.raises(AssertionError):
        order(1, **options)


def test_no_more_workers_are_kept_than_trials_are_left() -> None:
    with Pretence() as launcher:
        launcher.start(order(4))
        launcher.end = {name: Ending(code=-9) for name in launcher.hired}
        assert len(launcher.keep(2)) == 4
        assert launcher.alive() == 2
        assert launcher.keep(8) == ()
        assert launcher.alive() == 4
        assert launcher.keep(0) == ()
        assert launcher.alive() == 4, "who works is left alone"
        assert len(set(launcher.hired)) == 8, "no name comes twice"
    assert len(launcher.dismissed) == 4


def test_idle_workers_are_replaced_after_a_pause(clock: list[float]) -> None:
    with Pretence() as launcher:
        launcher.start(order(1))
        launcher.end[launcher.hired[-1]] = Ending(code=0)
        for _ in range(2):
            launcher.keep(1)
            assert launcher.alive() == 0
            clock[0] += PAUSE_SECONDS / 2
        launcher.keep(1)
        assert launcher.alive() == 1
        clock[0] += PAUSE_SECONDS
        launcher.end[launcher.hired[-1]] = Ending(code=0)
        launcher.keep(1)
        assert launcher.alive() == 1, "it had worked for a while, so there is work"


def test_a_start_that_fails_is_cleaned_up() -> None:
    class Refusing(Pretence):
        closed = 0

        def _open(self, order: WorkerOrder) -> None:
            raise UserError("no")

        def _close(self) -> None:
            self.closed += 1

    with Refusing() as launcher, pytest.raises(UserError):
        launcher.start(order(1))
    launcher.stop()
    assert launcher.closed == 1
