from __future__ import annotations

from io import StringIO

import pytest
from dse.study.messages import Finished, Idle, Started, Step
from rich.console import Console

from dse.store.records import Counts
from dse.study.progress import LiveProgress, PlainProgress, Progress, make_progress


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def started(index: int) -> Started:
    return Started(index=index, replicate=0)


def step(index: int, done: int, loss: float = 2.5) -> Step:
    return Step(index=index, replicate=0, step=done, steps=100, loss=loss)


def finished(index: int, error: float | None = 0.4, **changes: object) -> Finished:
    values = {"state": "complete" if error is not None else "diverged", "reason": None} | changes
    return Finished(index=index, replicate=0, error=error, **values)  # type: ignore[arg-type]


def test_the_time_left_is_unknown_at_first() -> None:
    progress = Progress(clock=Clock())
    progress.begin(Counts(waiting=4), None, workers=2)
    assert progress.seconds_left() is None


def test_the_time_left_counts_finished_trainings_and_parts_of_those_under_way() -> None:
    clock = Clock()
    progress = Progress(clock=clock)
    progress.begin(Counts(waiting=4), None, workers=2)
    progress.hear(0, started(0))
    progress.hear(1, started(1))
    clock.now = 10
    progress.recount(Counts(waiting=1, running=2, complete=1), (0, 0.4))
    progress.hear(0, finished(0))
    progress.hear(0, started(2))
    progress.hear(1, step(1, 50))
    # 20 s were spent on 1.5 trainings; 2.5 are left for 2 workers.
    assert progress.seconds_left() == pytest.approx(20 / 1.5 * 2.5 / 2)


def test_announced_trainings_count() -> None:
    clock = Clock()
    progress = Progress(announced=2, clock=clock)
    progress.begin(Counts(waiting=2), None, workers=1)
    progress.hear(0, started(0))
    clock.now = 10
    progress.recount(Counts(waiting=1, complete=1), (0, 0.4))
    progress.hear(0, finished(0))
    assert progress.total == 4
    assert progress.seconds_left() == pytest.approx(30)


def test_one_worker_is_left_with_the_last_training() -> None:
    clock = Clock()
    progress = Progress(clock=clock)
    progress.begin(Counts(waiting=1, complete=9), None, workers=4)
    progress.hear(0, started(9))
    clock.now = 10
    progress.hear(0, step(9, 50))
    assert progress.seconds_left() == pytest.approx(10)
    clock.now = 20
    progress.recount(Counts(complete=10), (9, 0.4))
    progress.hear(0, finished(9))
    assert progress.seconds_left() == 0


def test_a_lost_worker_takes_its_part_along() -> None:
    progress = Progress(clock=Clock())
    progress.begin(Counts(waiting=2), None, workers=1)
    progress.hear(0, started(0))
    progress.hear(0, step(0, 99))
    progress.lose(0)
    assert progress.seconds_left() is None


def test_plain_lines_have_no_control_characters() -> None:
    out = StringIO()
    progress = make_progress(Console(file=out))
    assert isinstance(progress, PlainProgress)
    progress.begin(Counts(waiting=11), None, workers=1)
    progress.hear(0, started(0))
    progress.hear(0, step(0, 10))
    progress.tick()
    progress.recount(Counts(waiting=10, complete=1), (0, 0.432))
    progress.hear(0, finished(0, 0.432))
    progress.hear(0, started(1))
    progress.recount(Counts(waiting=9, complete=1, diverged=1), (0, 0.432))
    progress.hear(0, finished(1, None, reason="the loss became [nan]"))
    progress.hear(0, Idle())
    progress.end()
    first, second = out.getvalue().splitlines()
    assert first.startswith("[ 1/11] network 0, seed 1: error 43.2 %, 0.0 s; best 43.2 % (network")
    assert second.startswith("[ 2/11] network 1")
    assert "diverged (the loss became [nan])" in second
    assert "\x1b" not in out.getvalue()


def test_the_live_display_shows_bar_workers_best_and_counts() -> None:
    out = StringIO()
    console = Console(file=out, force_terminal=True, width=100)
    progress = make_progress(console)
    assert isinstance(progress, LiveProgress)
    progress.begin(Counts(waiting=3, diverged=1), (9, 0.5), workers=2)
    progress.hear(0, started(4))
    progress.hear(0, step(4, 50, loss=1.25))
    page = StringIO()
    Console(file=page, width=100).print(progress.render())
    progress.hear(0, finished(4, 0.25))
    progress.hear(0, Idle())
    progress.note("worker 2: was killed")
    progress.begin(Counts(waiting=1, diverged=1, complete=3), (4, 0.25), workers=2)
    progress.end()
    lines = page.getvalue().splitlines()
    assert "1/4 trainings" in lines[0]
    assert " ".join(lines[1].split()) == "worker 1 network 4, seed 1 step 50/100 loss 1.250"
    assert " ".join(lines[2].split()) == "worker 2 starting"
    assert lines[3] == "best 50.0 % (network 9) · 0 done · 1 diverged · 0 failed"
    assert "worker 2: was killed" in out.getvalue()
    assert out.getvalue().count("\x1b[?25h") == 1, "one display from beginning to end"


def test_the_live_display_is_calm(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    progress = LiveProgress(Console(file=StringIO(), force_terminal=True))
    monkeypatch.setattr(progress, "_clock", clock)
    drawn = 0

    def render() -> str:
        nonlocal drawn
        drawn += 1
        return ""

    monkeypatch.setattr(progress, "render", render)
    progress.begin(Counts(waiting=3), None, workers=1)
    drawn = 0
    for tick in range(1000):
        clock.now = 1 + tick / 500  # two seconds
        progress.tick()
    progress.end()
    assert drawn <= 2 * 4 + 1 + 1
