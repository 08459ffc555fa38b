from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from dse.store.records import Counts
from dse.store.watching import Flight, Landing, Snapshot
from dse.study.progress import LiveProgress, PlainProgress, Progress, make_progress

START = datetime(2026, 1, 1, tzinfo=UTC)


def flight(index: int, done: int | None = None, **changes: Any) -> Flight:
    values = {
        "worker": f"worker-{index}",
        "index": index,
        "replicate": 0,
        "seconds": 10.0,
        "step": done,
        "steps": None if done is None else 100,
        "loss": None if done is None else 2.5,
    }
    return Flight(**values | changes)


def landing(index: int, error: float | None = 0.4, **changes: Any) -> Landing:
    values = {
        "index": index,
        "replicate": 0,
        "state": "complete" if error is not None else "diverged",
        "reason": None,
        "error": error,
        "seconds": 10.0,
        "finished": START + timedelta(seconds=index),
    }
    return Landing(**values | changes)


def snapshot(counts: Counts, *landings: Landing, **changes: Any) -> Snapshot:
    return Snapshot(now=START, counts=counts, landings=landings, **changes)


def begun(progress: Progress, counts: Counts, *landings: Landing, workers: int = 1) -> Progress:
    progress.begin(snapshot(counts, *landings), workers=workers)
    return progress


def test_the_time_left_is_unknown_at_first() -> None:
    assert begun(Progress(), Counts(waiting=4), workers=2).seconds_left() is None


def test_the_time_left_counts_finished_trainings_and_parts_of_those_under_way() -> None:
    progress = begun(Progress(), Counts(waiting=4), workers=2)
    counts = Counts(waiting=1, running=2, complete=1)
    progress.see(snapshot(counts, landing(0), flights=(flight(1, 50), flight(2, 0, seconds=0.0))))
    # 20 s were spent on 1.5 trainings; 2.5 are left for 2 workers.
    assert progress.seconds_left() == pytest.approx(20 / 1.5 * 2.5 / 2)


def test_announced_trainings_count() -> None:
    progress = begun(Progress(announced=2), Counts(waiting=2))
    progress.see(snapshot(Counts(waiting=1, complete=1), landing(0)))
    assert progress.total == 4
    assert progress.seconds_left() == pytest.approx(30)


def test_what_ended_before_the_run_is_not_its_own() -> None:
    progress = begun(Progress(), Counts(waiting=1, complete=9), landing(3, seconds=1000.0))
    progress.see(snapshot(Counts(waiting=1, complete=9), landing(3, seconds=1000.0)))
    assert progress.seconds_left() is None


def test_no_training_is_counted_twice() -> None:
    progress = begun(Progress(), Counts(waiting=4))
    for _ in range(2):
        progress.see(snapshot(Counts(waiting=3, complete=1), landing(0)))
    assert progress.seconds_left() == pytest.approx(30)
    assert progress.since == landing(0).finished


def test_one_worker_is_left_with_the_last_training() -> None:
    progress = begun(Progress(), Counts(waiting=1, complete=9), workers=4)
    progress.see(snapshot(Counts(running=1, complete=9), flights=(flight(9, 50),)))
    assert progress.seconds_left() == pytest.approx(10)
    progress.see(snapshot(Counts(complete=10), landing(9)))
    assert progress.seconds_left() == 0


def test_plain_lines_have_no_control_characters() -> None:
    out = StringIO()
    progress = make_progress(Console(file=out))
    assert isinstance(progress, PlainProgress)
    begun(progress, Counts(waiting=11))
    progress.see(snapshot(Counts(waiting=10, complete=1), landing(0, 0.432), best=(0, 0.432)))
    bad = landing(1, None, reason="the loss became [nan]")
    progress.see(snapshot(Counts(waiting=9, complete=1, diverged=1), bad, best=(0, 0.432)))
    progress.end()
    first, second = out.getvalue().splitlines()
    assert first.startswith("[ 1/11] network 0, seed 1: error 43.2 %, 10.0 s; best 43.2 % (network")
    assert second.startswith("[ 2/11] network 1")
    assert "diverged (the loss became [nan])" in second
    assert "\x1b" not in out.getvalue()


def shown(progress: LiveProgress) -> list[str]:
    page = StringIO()
    Console(file=page, width=100).print(progress.render())
    return [" ".join(line.split()) for line in page.getvalue().splitlines()]


def test_the_live_display_shows_bar_workers_best_and_counts() -> None:
    out = StringIO()
    progress = make_progress(Console(file=out, force_terminal=True, width=100))
    assert isinstance(progress, LiveProgress)
    begun(progress, Counts(waiting=3, diverged=1), workers=2)
    counts = Counts(waiting=2, running=1, diverged=1)
    progress.see(snapshot(counts, flights=(flight(4, 50, loss=1.25),), best=(9, 0.5)))
    lines = shown(progress)
    progress.note("worker 2: was killed")
    progress.end()
    assert "1/4 trainings" in lines[0]
    assert lines[1] == "worker-4 network 4, seed 1 step 50/100 loss 1.250"
    assert lines[2] == "workers are starting"
    assert lines[3] == "best 50.0 % (network 9) · 0 done · 1 diverged · 0 failed"
    assert "worker 2: was killed" in out.getvalue()
    assert out.getvalue().count("\x1b[?25h") == 1, "one display from beginning to end"


def test_the_live_display_says_who_is_lost_and_does_not_fill_the_screen() -> None:
    progress = LiveProgress(Console(file=StringIO(), force_terminal=True))
    flights = tuple(flight(i, 1, overdue=i == 0) for i in range(40))
    begun(progress, Counts(running=40), workers=40)
    progress.see(snapshot(Counts(running=40), flights=flights))
    progress.end()
    lines = shown(progress)
    assert lines[1].endswith("not heard of any more")
    assert "and 24 more" in lines
    assert len(lines) < 20


def test_the_live_display_is_calm(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    progress = LiveProgress(Console(file=StringIO(), force_terminal=True))
    monkeypatch.setattr(progress, "_clock", lambda: now)
    drawn = 0

    def render() -> str:
        nonlocal drawn
        drawn += 1
        return ""

    monkeypatch.setattr(progress, "render", render)
    begun(progress, Counts(waiting=3))
    drawn = 0
    for tick in range(1000):
        now = 1 + tick / 500  # two seconds
        progress.see(snapshot(Counts(waiting=3)))
    progress.end()
    assert drawn <= 2 * 4 + 1 + 1
