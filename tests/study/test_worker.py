from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dse.errors import DataError
from dse.store.records import Counts, StudyRecord, TrialResult
from dse.store.store import Store
from dse.study.launch.departures import EXIT_REPLACE
from dse.study.scorer import OnStep, Scorer, ScorerFactory
from dse.study.stopping import SIGNALS, Stop
from dse.study.worker import Work, Worker
from tests.store.records import candidate, fill, result, study, trial
from tests.study import scorers
from tests.study.waiting import until


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "study.db", create=True) as opened:
        yield opened


@pytest.fixture(autouse=True)
def own_signals() -> Iterator[None]:
    """A `Stop` takes signals over; pytest has them back afterwards."""
    saved = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in saved.items():
        signal.signal(number, handler)


def serve(store: Store, factory: ScorerFactory, stop: Stop | None = None, **changes: Any) -> int:
    said: list[str] = []
    settings = {"name": "worker", "device": "cpu", "linger": 0.0, "beat": 0.01} | changes
    work = Work(factory=factory, **settings)
    return Worker(store, work, stop or Stop(), said.append).serve()


def scoring(score: Scorer) -> ScorerFactory:
    return lambda study, device: score


def test_work_goes_on_until_nothing_waits(store: Store) -> None:
    fill(store, 5)
    assert serve(store, scorers.instant) == 5
    assert store.counts() == Counts(complete=4, diverged=1)


def test_a_worker_works_for_all_studies_or_those_that_are_named(store: Store) -> None:
    fill(store, 2)
    other = study(name="other", kind="search")
    with Store.open(store.target.path, study="other") as second:  # type: ignore[arg-type]
        second.create_study(other)
        second.add_candidates([candidate(0)])
        second.add_trials([trial(0)])
        made: list[str] = []

        def factory(study: StudyRecord, device: str) -> Scorer:
            made.append(study.name)
            return scorers.quick(study, device)

        assert serve(second, factory, studies=["other"]) == 1
        assert serve(second, factory) == 2
    assert made == ["other", "toy"]


def test_what_goes_wrong_with_a_network_is_its_result(store: Store) -> None:
    fill(store, 4)
    serve(store, scorers.raising)
    population = store.population()
    assert population["state"].tolist() == ["failed", "out_of_memory", "out_of_memory", "complete"]
    assert population["reason"].tolist() == [
        "ValueError: kernel does not fit",
        "MemoryError: no memory",
        "RuntimeError: DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes",
        None,
    ]
    assert population["seconds"].notna().all()


def test_data_that_is_missing_is_no_network_s_fault(store: Store) -> None:
    fill(store, 2)

    def score(trial: object, on_step: OnStep) -> TrialResult:
        raise DataError("images.npy: is cut off.")

    with pytest.raises(DataError, match="is cut off"):
        serve(store, scoring(score))
    assert store.counts() == Counts(waiting=2)


def test_a_training_tells_how_far_it_is(store: Store) -> None:
    fill(store, 1)
    seen: list[tuple[int | None, int | None, float | None]] = []

    def score(trial: object, on_step: OnStep) -> TrialResult:
        on_step(10, 40, 1.5)

        def told() -> bool:
            flight = store.snapshot().flights[0]
            seen.append((flight.step, flight.steps, flight.loss))
            return flight.step is not None

        until(told, "the heart has beaten")
        return result()

    serve(store, scoring(score))
    assert seen[-1] == (10, 40, 1.5)


def test_a_training_that_was_given_away_ends_and_changes_nothing(store: Store) -> None:
    fill(store, 1)

    def score(trial: object, on_step: OnStep) -> TrialResult:
        store.release("worker", "given away")
        other = store.claim("other worker")
        assert other is not None
        assert store.complete(other, result(0.25))
        for step in range(10_000):
            on_step(step, 10_000, 1.0)
            threading.Event().wait(0.001)
        raise AssertionError("the heart did not notice")

    assert serve(store, scoring(score)) == 0
    assert store.population()["error"].tolist() == [0.25]


def test_a_result_that_came_too_late_is_not_stored(store: Store) -> None:
    fill(store, 1)

    def score(trial: object, on_step: object) -> TrialResult:
        store.release("worker", "given away")
        other = store.claim("other worker")
        assert other is not None
        assert store.complete(other, result(0.25))
        return result(0.75)

    assert serve(store, scoring(score), beat=60.0) == 0
    assert store.population()["error"].tolist() == [0.25]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
def test_a_worker_that_is_asked_to_stop_gives_its_training_back(
    store: Store, number: signal.Signals
) -> None:
    fill(store, 2)

    def score(trial: object, on_step: OnStep) -> TrialResult:
        os.kill(os.getpid(), number)
        for step in range(1000):
            on_step(step, 1000, 1.0)
        raise AssertionError("it did not stop")

    assert serve(store, scoring(score)) == 0
    assert store.counts() == Counts(waiting=2)
    assert store.population()["reason"][0] == f"its worker was stopped ({number.name})"


def test_a_worker_waits_for_work_as_long_as_others_work(store: Store) -> None:
    fill(store, 1)
    other = store.claim("other worker")
    assert other is not None
    timer = threading.Timer(0.3, lambda: store.release(other, "it was stopped"))
    timer.start()
    assert serve(store, scorers.quick) == 1
    timer.join()


def worker(store: Store, scorer: str, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "dse", "worker", "--store", str(store.target), *options]
    command += ["--device", "cpu", "--linger", "0", "--scorer", f"tests.study.scorers:{scorer}"]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def test_the_verb_works_and_writes_its_log(store: Store, tmp_path: Path) -> None:
    fill(store, 4)
    log = tmp_path / "logs" / "one.log"
    process = worker(store, "instant", "--log", str(log), "--name", "one")
    assert (process.communicate()[1], process.returncode) == ("", 0)
    assert store.counts() == Counts(complete=3, diverged=1)
    said = log.read_text()
    assert "toy: network 3, seed 1: diverged (the loss became nan)" in said
    assert said.rstrip().endswith("ends after 4 trainings")


def test_a_preempted_worker_ends_in_peace(store: Store, tmp_path: Path) -> None:
    fill(store, 1, provenance={"folder": str(tmp_path)})
    process = worker(store, "slow_steps")
    until(lambda: any(tmp_path.glob("pid *")), "the training starts")
    process.terminate()
    assert process.communicate(timeout=20)[1].count("SIGTERM") == 2
    assert process.returncode == 0
    assert store.counts() == Counts(waiting=1)


def test_a_lost_device_asks_for_another_worker(store: Store, tmp_path: Path) -> None:
    fill(store, 2, provenance={"folder": str(tmp_path)})
    process = worker(store, "loses_device_once")
    assert "device-side assert" in process.communicate()[1]
    assert process.returncode == EXIT_REPLACE
    assert store.counts() == Counts(complete=1, waiting=1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--device", "tpu"], "--device: 'tpu'"),
        (["--device", "cuda:99"], "--device: cuda:99: this machine has no such GPU"),
        (["--memory", "much"], "'much'"),
        (["--scorer", "nothing:here"], "--scorer: 'nothing:here'"),
        (["--study", "unknown"], "'unknown'"),
    ],
)
def test_a_mistake_is_a_sentence(store: Store, options: list[str], words: str) -> None:
    fill(store, 1)
    command = [sys.executable, "-m", "dse", "worker", "--store", str(store.target), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert store.counts() == Counts(waiting=1)
