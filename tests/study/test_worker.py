from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from dse.store.records import Counts, TrialResult
from dse.store.store import Store
from dse.study import worker
from dse.study.messages import Finished, Message, Started, Step
from dse.study.scorer import OnStep
from tests.store.records import fill, result, study
from tests.study import scorers
from tests.study.waiting import until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "study.db"


def test_work_goes_on_until_nothing_waits_and_reports_it(path: Path) -> None:
    with Store.open(path, create=True) as store:
        fill(store, 5)
        said: list[Message] = []
        score = scorers.instant(study(), "cpu")
        assert worker.work(store, "worker", score, said.append) == 5
        assert store.counts() == Counts(complete=4, diverged=1)
    assert [type(message) for message in said] == [Started, Step, Finished] * 5
    bad = said[3 * 3 + 2]
    assert isinstance(bad, Finished)
    assert (bad.index, bad.state, bad.reason) == (3, "diverged", "the loss became nan")


def test_steps_are_reported_calmly(path: Path) -> None:
    with Store.open(path, create=True) as store:
        fill(store, 1)
        said: list[Message] = []

        def score(trial: object, on_step: OnStep) -> TrialResult:
            for step in range(1000):
                on_step(step, 1000, 1.0)
            return result()

        worker.work(store, "worker", score, said.append)
    assert len([message for message in said if isinstance(message, Step)]) == 1


def test_what_goes_wrong_with_a_network_is_its_result(path: Path) -> None:
    with Store.open(path, create=True) as store:
        fill(store, 4)
        worker.work(store, "worker", scorers.raising(study(), "cpu"), lambda message: None)
        population = store.population()
    assert population["state"].tolist() == ["failed", "out_of_memory", "out_of_memory", "complete"]
    assert population["reason"].tolist() == [
        "ValueError: kernel does not fit",
        "MemoryError: no memory",
        "RuntimeError: DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes",
        None,
    ]
    assert population["seconds"].notna().all()


def test_a_result_that_came_too_late_is_not_reported(path: Path) -> None:
    with Store.open(path, create=True) as store:
        fill(store, 1)
        said: list[Message] = []

        def score(trial: object, on_step: object) -> TrialResult:
            store.release("worker", "the run was interrupted")
            other = store.claim("other worker")
            assert other is not None
            assert store.complete(other, result(0.25))
            return result(0.75)

        assert worker.work(store, "worker", score, said.append) == 0
        assert store.population()["error"].tolist() == [0.25]
    assert [type(message) for message in said] == [Started]


def test_a_worker_dies_in_mid_training_when_its_channel_closes(path: Path, tmp_path: Path) -> None:
    """The portable way to notice that the parent is gone; the parent lives on here."""
    with Store.open(path, create=True) as store:
        fill(store, 1, provenance={"folder": str(tmp_path)})
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=worker.serve,
        args=(theirs, os.getpid(), "worker", str(path), scorers.endless, "cpu"),
    )
    process.start()
    theirs.close()
    ours.send("work")
    until(lambda: (tmp_path / f"pid {process.pid}").exists(), "the training starts")
    ours.close()
    process.join(10)
    assert process.exitcode == 1
    with Store.open(path) as store:
        assert store.counts() == Counts(running=1)


def test_a_worker_whose_parent_is_gone_already_does_not_start(path: Path) -> None:
    ours, theirs = multiprocessing.Pipe()
    not_its_parent = 1 if os.getpid() != 1 else 2
    process = multiprocessing.get_context("spawn").Process(
        target=worker.serve,
        args=(theirs, not_its_parent, "worker", str(path), scorers.endless, "cpu"),
    )
    process.start()
    process.join(10)
    assert process.exitcode == 1
    assert not path.exists()
    ours.close()
