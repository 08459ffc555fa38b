"""Runs of real worker processes, with scorers that cost nothing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from dse.errors import UserError
from dse.store.records import Counts
from dse.store.store import Store
from dse.study.launch import Launcher
from dse.study.launch.local import LocalWorkers, run_workers
from dse.study.progress import PlainProgress, Progress
from dse.study.scorer import ScorerFactory
from tests.store.records import fill, trial
from tests.study import scorers
from tests.study.waiting import alive, until


def make_store(folder: Path, networks: int, replicates: int = 1) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with Store.open(folder / "study.db", create=True) as store:
        fill(store, networks, replicates, provenance={"folder": str(folder)})
    return folder / "study.db"


def population(path: Path) -> pd.DataFrame:
    with Store.open(path) as store:
        return store.population()


def counts(path: Path) -> Counts:
    with Store.open(path) as store:
        return store.counts()


def has_finished(path: Path, trials: int) -> bool:
    return counts(path).finished >= trials


def start(path: Path, workers: int, scorer: str) -> subprocess.Popen[str]:
    """A run in a process (and a process group) of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.study.crew", str(path), str(workers), scorer],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def worker_pids(folder: Path) -> list[int]:
    return [int(file.name.split()[1]) for file in folder.glob("pid *")]


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_results_are_the_same_for_any_number_of_workers(tmp_path: Path, workers: int) -> None:
    path = make_store(tmp_path, 6, replicates=2)
    run_workers(path, workers=workers, device="cpu", progress=Progress(), score=scorers.instant)
    with Store.open(path) as store:
        assert store.counts() == Counts(complete=10, diverged=2)
    table = population(path)
    seeds = [1000 * index + copy for index in range(6) for copy in range(2)]
    depths = [index + 1 for index in range(6) for _ in range(2)]
    expected = [(s * 7919 + d * 104_729) % 1000 / 1000 for s, d in zip(seeds, depths, strict=True)]
    good = table["index"] != 3
    assert table["error"][good].tolist() == pd.Series(expected)[good].tolist()
    assert table["error"][~good].isna().all()


def test_workers_stay_for_trials_that_are_added_later(tmp_path: Path) -> None:
    path = make_store(tmp_path, 2)
    crew: Launcher = LocalWorkers(
        path, workers=2, device="cpu", progress=Progress(), score=scorers.slow
    )
    with crew, Store.open(path) as store:
        crew.drain()
        first = set(worker_pids(tmp_path))
        assert len(first) == 2
        store.add_trials([trial(0, 1), trial(1, 1)])
        crew.drain()
        assert store.counts() == Counts(complete=4)
        crew.drain()
    assert set(worker_pids(tmp_path)) == first
    assert not any(alive(pid) for pid in first)


def test_a_worker_has_one_thread_and_leaves_ctrl_c_to_its_parent(tmp_path: Path) -> None:
    path = make_store(tmp_path, 1)
    before = dict(os.environ)
    run_workers(
        path, workers=1, device="cpu", progress=Progress(), score=scorers.reports_environment
    )
    assert (tmp_path / "environment").read_text() == "1 True cpu"
    assert dict(os.environ) == before
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_a_killed_worker_is_replaced_and_its_training_repeated(tmp_path: Path) -> None:
    path = make_store(tmp_path, 4)
    out = StringIO()
    progress = PlainProgress(Console(file=out))
    run_workers(
        path, workers=2, device="cpu", progress=progress, score=scorers.kills_its_worker_once
    )
    assert counts(path) == Counts(complete=4)
    assert "killed (SIGKILL; out of memory, perhaps) while training network 1" in out.getvalue()
    assert out.getvalue().count("/4] network") == 4


def test_a_training_that_always_kills_its_worker_is_given_up(tmp_path: Path) -> None:
    path = make_store(tmp_path, 3)
    run_workers(path, workers=1, device="cpu", progress=Progress(), score=scorers.kills_its_worker)
    assert counts(path) == Counts(complete=2, failed=1)
    reason = population(path)["reason"][1]
    assert reason.startswith("given up after 5 attempts: the worker process was killed (SIGKILL")


def test_a_lost_device_costs_no_network_its_result(tmp_path: Path) -> None:
    path = make_store(tmp_path, 4)
    out = StringIO()
    progress = PlainProgress(Console(file=out))
    run_workers(path, workers=1, device="cpu", progress=progress, score=scorers.loses_device_once)
    assert counts(path) == Counts(complete=4)
    words = "AcceleratorError: CUDA error: device-side assert triggered while training network 1"
    assert words in out.getvalue()


def test_a_network_that_always_loses_the_device_is_given_up_alone(tmp_path: Path) -> None:
    path = make_store(tmp_path, 3)
    run_workers(path, workers=1, device="cpu", progress=Progress(), score=scorers.loses_device)
    assert counts(path) == Counts(complete=2, failed=1)
    words = "given up after 5 attempts: AcceleratorError: CUDA error: device-side assert triggered"
    assert population(path)["reason"][1] == words


@pytest.mark.parametrize(
    ("scorer", "error", "words"),
    [
        (scorers.lacks_data, UserError, r"digits\.npz: there is no such file"),
        (scorers.dies_at_once, UserError, "3 worker processes in a row ended .*exit code 3"),
        (scorers.is_wrong, RuntimeError, "KeyError: 'oops'"),
    ],
)
def test_workers_that_cannot_work_end_the_run(
    tmp_path: Path, scorer: ScorerFactory, error: type[Exception], words: str
) -> None:
    path = make_store(tmp_path, 2)
    with pytest.raises(error, match=words):
        run_workers(path, workers=1, device="cpu", progress=Progress(), score=scorer)
    assert counts(path) == Counts(waiting=2)


def test_ctrl_c_stops_everything_and_the_run_resumes(tmp_path: Path) -> None:
    path = make_store(tmp_path, 8)
    run = start(path, 2, "slow")
    until(lambda: counts(path).complete >= 2, "two trainings are done")
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does: to parent and workers alike
    said = run.communicate(timeout=30)[0]
    done = counts(path)
    assert run.returncode != 0
    assert (done.running, done.total) == (0, 8)
    assert f"Stopped: {done.finished} of 8 trainings are done and kept" in said
    assert said.count("KeyboardInterrupt") == 1, "only the parent's, which the caller handles"
    assert not any(alive(pid) for pid in worker_pids(tmp_path))
    run_workers(path, workers=2, device="cpu", progress=Progress(), score=scorers.slow)
    assert counts(path) == Counts(complete=8)


@pytest.mark.parametrize("scorer", ["endless", "stuck"])
def test_no_worker_survives_a_killed_parent(tmp_path: Path, scorer: str) -> None:
    if scorer == "stuck" and sys.platform != "linux":
        pytest.skip("only Linux can tie a process to its parent")
    path = make_store(tmp_path, 2)
    run = start(path, 2, scorer)
    until(lambda: len(worker_pids(tmp_path)) == 2, "both workers train")
    os.kill(run.pid, signal.SIGKILL)
    run.communicate()
    try:
        until(lambda: not any(alive(pid) for pid in worker_pids(tmp_path)), "workers are dead", 5)
    finally:
        for pid in worker_pids(tmp_path):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    assert counts(path) == Counts(running=2)
    run_workers(path, workers=2, device="cpu", progress=Progress(), score=scorers.instant)
    assert counts(path) == Counts(complete=2)


def test_a_run_killed_at_twenty_random_moments_ends_like_an_undisturbed_one(
    tmp_path: Path,
) -> None:
    undisturbed = make_store(tmp_path / "undisturbed", 40, replicates=2)
    run_workers(undisturbed, workers=2, device="cpu", progress=Progress(), score=scorers.quick)
    path = make_store(tmp_path / "killed", 40, replicates=2)
    moments = random.Random(0)
    for kill in range(20):
        finished = counts(path).finished
        run = start(path, 2, "slow")
        if kill % 4:  # else while it starts
            goal = finished + moments.randint(1, 2)
            until(partial(has_finished, path, goal), "some trainings are done")
        time.sleep(moments.uniform(0, 0.2))
        assert run.poll() is None
        os.kill(run.pid, signal.SIGKILL)
        run.communicate()
    assert 15 <= counts(path).finished < 80
    final = start(path, 2, "slow")
    assert "[80/80]" in final.communicate(timeout=60)[0]
    assert final.returncode == 0
    assert not any(alive(pid) for pid in worker_pids(tmp_path / "killed"))
    pd.testing.assert_frame_equal(population(path), population(undisturbed))
    with Store.open(path) as store, Store.open(undisturbed) as other:
        pd.testing.assert_frame_equal(store.curves(), other.curves())
