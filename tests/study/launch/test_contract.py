"""What every launcher promises, of each of them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dse.errors import UserError
from dse.study.launch.base import Launcher
from dse.study.launch.processes import LocalProcesses
from dse.study.launch.ray import RayWorkers
from dse.study.launch.slurm import SlurmJobs
from tests.services.ray_cluster import ray_cluster
from tests.services.slurm import slurm_cluster
from tests.study.launch.work import Work
from tests.study.waiting import alive, until

Make = Callable[[], Launcher[Any]]


@pytest.fixture(scope="module", params=["processes", "ray", "slurm"])
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    """Makes launchers of one kind; their engine runs as long as the kind's tests."""
    if request.param == "processes":
        yield LocalProcesses
    elif request.param == "ray":
        with ray_cluster({"num_cpus": 3}) as cluster:
            yield lambda: RayWorkers(cluster.address)
    else:
        with slurm_cluster(cpus=4):
            yield lambda: SlurmJobs(poll=0.2)


def test_all_work_is_done_once_and_the_workers_end_by_themselves(
    make: Make, tmp_path: Path
) -> None:
    work = Work(tmp_path, 8, seconds=0.4)
    with make() as launcher:
        launcher.start(work.order(2))
        launcher.start(work.order(2))  # which changes nothing
        assert launcher.alive() == 2
        work.finish(launcher)
        until(lambda: launcher.alive() == 0, "the workers have ended")
        departures = launcher.keep(0)
        assert launcher.alive() == 0, "nothing is left to be started for"
    assert work.results == [1] * 8
    assert len(work.workers) == len({worker.name for worker in work.workers}) == 2
    assert {departure.name for departure in departures} <= {w.name for w in work.workers}
    assert all(departure.in_peace for departure in departures)


def test_workers_get_what_was_ordered(make: Make, tmp_path: Path) -> None:
    work = Work(tmp_path, 1, seconds=0)
    order = work.order(1, device="cpu", cores=2, memory=3 * 2**30)
    with make() as launcher:
        launcher.start(order)
        work.finish(launcher)
    (worker,) = work.workers
    log = tmp_path / "logs" / f"{worker.name}.log"
    wanted = {"device": "cpu", "memory": "3145728KiB", "gpu_share": None, "log": str(log)}
    assert {key: worker.options[key] for key in wanted} == wanted
    assert worker.options["OMP_NUM_THREADS"] == "2"


def test_stopped_workers_give_back_and_are_gone(make: Make, tmp_path: Path) -> None:
    work = Work(tmp_path, 4, seconds=60)
    with make() as launcher:
        launcher.start(work.order(2))
        until(lambda: len(work.busy) == 2, "both work", 20)
        launcher.stop()
        assert launcher.alive() == 0
        assert work.states == {"waiting": 4}
        assert all(worker.given_back for worker in work.workers)
        assert not any(alive(worker.pid) for worker in work.workers)
        launcher.stop()


def test_a_killed_worker_is_replaced_and_its_end_told(make: Make, tmp_path: Path) -> None:
    work = Work(tmp_path, 12, seconds=0.5)
    with make() as launcher:
        launcher.start(work.order(2))
        until(lambda: len(work.busy) == 2, "both work", 20)
        victim = work.busy[0]
        os.kill(victim.pid, signal.SIGKILL)
        departures = work.finish(launcher)
    assert work.results == [1] * 12
    (killed,) = (departure for departure in departures if not departure.in_peace)
    assert killed.name == victim.name
    assert "killed (SIGKILL" in killed.reason
    assert len(work.workers) >= 3


def test_a_preempted_worker_is_replaced_while_work_is_left(make: Make, tmp_path: Path) -> None:
    work = Work(tmp_path, 3, seconds=6)
    with make() as launcher:
        launcher.start(work.order(1))
        until(lambda: len(work.busy) == 1, "it works", 20)
        first = work.busy[0]
        os.kill(first.pid, signal.SIGUSR1)

        def is_replaced() -> bool:
            launcher.keep(work.left)
            return any(worker.pid != first.pid for worker in work.busy)

        until(is_replaced, "another one works", 20)
        assert work.workers[0].given_back


def test_workers_that_cannot_work_end_the_run_with_their_words(make: Make, tmp_path: Path) -> None:
    work = Work(tmp_path, 2)
    with make() as launcher:
        launcher.start(work.order(2, "--error", "error: no such store"))
        with pytest.raises(UserError, match=r"\d workers in a row .* no such store"):
            work.finish(launcher)
    assert work.states == {"waiting": 2}


def test_a_launcher_starts_again_after_a_stop(make: Make, tmp_path: Path) -> None:
    work = Work(tmp_path, 2, seconds=0)
    with make() as launcher:
        launcher.start(work.order(2))
        launcher.stop()
        launcher.start(work.order(1))
        work.finish(launcher)
    assert work.results == [1, 1]
