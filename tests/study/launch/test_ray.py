"""Ray's own doing: a node lost in mid-work, shares of a GPU, a cluster that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from dse.errors import UserError
from dse.study.launch.ray import RayWorkers
from tests.services import free_port, require_module
from tests.services.ray_cluster import ray_cluster
from tests.study.launch.work import Work
from tests.study.waiting import alive, until


def test_a_lost_node_loses_no_work(tmp_path: Path) -> None:
    nodes = {"num_cpus": 2}, {"num_cpus": 1}
    with ray_cluster(*nodes) as cluster, RayWorkers(cluster.address) as launcher:
        work = Work(tmp_path, 16, seconds=1)
        launcher.start(work.order(2))
        until(lambda: len(work.busy) == 2, "both work", 20)
        (node,) = cluster.worker_nodes
        cluster.remove_node(node, allow_graceful=False)
        pids = [worker.pid for worker in work.workers]
        until(lambda: sum(map(alive, pids)) == 1, "its worker has died with it", 10)
        until(lambda: len(work.workers) == 3, "Ray has started it again", 20)
        (lost,) = (worker for worker in work.workers[:2] if not alive(worker.pid))
        assert work.workers[2].name == lost.name
        departures = work.finish(launcher)
    assert work.results == [1] * 16
    assert all(departure.in_peace for departure in departures)


def test_workers_share_a_gpu_as_ordered(tmp_path: Path) -> None:
    node = {"num_cpus": 8, "num_gpus": 1}
    with ray_cluster(node) as cluster, RayWorkers(cluster.address) as launcher:
        work = Work(tmp_path, 6, seconds=1)
        launcher.start(work.order(3, gpus=0.5, device="cuda"))
        until(lambda: len(work.busy) == 2, "two fit", 20)
        assert launcher.alive() == 3, "the third waits for a place"
        work.finish(launcher)
    seen = [(w.options["CUDA_VISIBLE_DEVICES"], w.options["gpu_share"]) for w in work.workers]
    assert set(seen) == {("0", "0.5")}


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("auto", "Ray at 'auto' cannot be used: Could not find any running Ray instance"),
        ("127.0.0.1:{port}", "cannot be reached: .* Connection refused"),
        ("nonsense", "Ray at 'nonsense' cannot be reached: invalid literal"),
    ],
)
def test_a_cluster_that_is_not_there_is_told(tmp_path: Path, address: str, words: str) -> None:
    require_module("ray")
    work = Work(tmp_path, 1)
    launcher = RayWorkers(address.format(port=free_port()))
    with launcher, pytest.raises(UserError, match=words):
        launcher.start(work.order(1))


def test_a_worker_that_can_never_fit_is_refused_on_this_machine(tmp_path: Path) -> None:
    require_module("ray")
    work = Work(tmp_path, 1)
    with (
        RayWorkers() as launcher,
        pytest.raises(UserError, match=r"needs 9999 of Ray's CPU, of which this machine has"),
    ):
        launcher.start(work.order(1, cores=9999))
