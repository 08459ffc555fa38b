"""Whole crews by Ray and by SLURM on PostgreSQL, with a node or a job lost in the middle."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dse.errors import UserError
from dse.store.records import Counts
from dse.store.store import Store
from dse.study.crew import Crew
from dse.study.launch.base import Launcher
from dse.study.launching import Kind, Launching, new_run
from dse.study.progress import Progress
from tests.services import require_module
from tests.services.postgresql import Server
from tests.services.ray_cluster import ray_cluster
from tests.services.slurm import slurm_cluster
from tests.store.records import fill

SCORER = "tests.study.scorers:short"
TRIALS = 24


class Disturbed(Progress):
    """Does something once, when a quarter of the trials is done and workers are busy."""

    def __init__(self, disturb: Any) -> None:
        super().__init__()
        self._disturb = disturb

    def see(self, snapshot: Any) -> None:
        super().see(snapshot)
        if self._disturb and snapshot.counts.finished >= TRIALS // 4 and len(self.flights) == 2:
            disturb, self._disturb = self._disturb, None
            disturb()

    @property
    def is_disturbed(self) -> bool:
        return self._disturb is None


def train(url: str, kind: Kind, launcher: Launcher[Any], progress: Progress, logs: Path) -> None:
    """A study of `TRIALS` trials of a second each, by two workers."""
    ray = "elsewhere" if kind == "ray" else "local"
    launching = Launching(launcher=kind, workers=2, device="cpu", scorer=SCORER, ray=ray)
    with Store.open(url, create=True) as store:
        fill(store, TRIALS)
        run = new_run()
        order = launching.order(store, run, logs)
        order = replace(order, command=(*order.command, "--lease", "8"))
        with Crew(store, launcher, order, run=run, progress=progress) as crew:
            crew.drain()
        assert store.counts() == Counts(complete=TRIALS)
        assert not store.population().duplicated(["index", "replicate"]).any()


@pytest.mark.timeout(240)
def test_a_study_survives_a_lost_ray_node(postgresql: Server, tmp_path: Path) -> None:
    from dse.study.launch.ray import RayWorkers

    with ray_cluster({"num_cpus": 1}, {"num_cpus": 2}) as cluster:

        def lose_a_node() -> None:
            (node,) = cluster.worker_nodes
            cluster.remove_node(node, allow_graceful=False)
            cluster.add_node(num_cpus=1, include_dashboard=False)

        progress = Disturbed(lose_a_node)
        launcher = RayWorkers(cluster.address)
        train(postgresql.make_database(), "ray", launcher, progress, tmp_path / "logs")
    assert progress.is_disturbed


@pytest.mark.timeout(240)
def test_a_study_survives_a_requeued_slurm_job(postgresql: Server, tmp_path: Path) -> None:
    from dse.study.launch.slurm import SlurmJobs

    with slurm_cluster(cpus=2):

        def requeue_one() -> None:
            listing = ["squeue", "--noheader", "--array", "--states=RUNNING", "--Format=JobArrayID"]
            jobs = subprocess.run(listing, capture_output=True, text=True, check=True).stdout
            subprocess.run(["scontrol", "requeue", jobs.split()[0]], check=True)

        progress = Disturbed(requeue_one)
        launcher = SlurmJobs(poll=0.5)
        train(postgresql.make_database(), "slurm", launcher, progress, tmp_path / "logs")
    assert progress.is_disturbed


@pytest.mark.parametrize("kind", ["ray", "slurm"])
def test_a_file_is_no_store_for_several_machines(tmp_path: Path, kind: Kind) -> None:
    require_module("ray")
    launching = Launching(launcher=kind, ray="auto" if kind == "ray" else "local")
    with Store.open(tmp_path / "study.db", create=True) as store:
        fill(store, 1)
        with pytest.raises(UserError, match="postgresql://"):
            launching.order(store, "run", tmp_path)
