"""SLURM's own doing: jobs requeued, preempted, at their time limit; what sbatch is told."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dse.errors import UserError
from dse.study.launch.slurm import SlurmJobs
from dse.study.launch.slurm_options import SlurmOptions, slurm_options
from tests.services import require_module
from tests.services.slurm import slurm_cluster
from tests.study.launch.work import Work
from tests.study.waiting import until


@pytest.fixture(scope="module")
def cluster() -> Iterator[Path]:
    with slurm_cluster(cpus=4) as folder:
        yield folder


def jobs_of(worker: str) -> list[dict[str, str]]:
    """What SLURM knows of the jobs that belong to a worker's launcher."""
    name = worker.rpartition("-")[0]
    command = ["squeue", "--noheader", "--array", f"--name={name}"]
    said = subprocess.run(
        [*command, "--Format=JobArrayID:32,State:32,restartcnt:8,command:256"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    keys = ("id", "state", "restarts", "script")
    return [dict(zip(keys, line.split(), strict=True)) for line in said.splitlines()]


@pytest.mark.parametrize(
    "disturb",
    [
        pytest.param(["scontrol", "requeue"], id="requeued by an administrator"),
        pytest.param(["scancel", "--signal=USR2"], id="told of its time limit"),
    ],
)
@pytest.mark.usefixtures("cluster")
def test_a_job_that_is_requeued_gives_back_and_goes_on(tmp_path: Path, disturb: list[str]) -> None:
    work = Work(tmp_path, 16, seconds=1)
    with SlurmJobs(poll=0.2) as launcher:
        launcher.start(work.order(2))
        until(lambda: len(work.busy) == 2, "both work", 20)
        name = work.busy[0].name
        job = jobs_of(name)[0]
        subprocess.run([*disturb, job["id"]], check=True, capture_output=True)
        until(lambda: any(worker.given_back for worker in work.workers), "it gives back", 10)
        until(lambda: len(work.workers) == 3, "SLURM has started it again", 20)
        (given_back,) = (worker for worker in work.workers if worker.given_back)
        assert work.workers[2].name == given_back.name
        assert launcher.keep(work.left) == (), "SLURM did it, and not we"
        assert {job["restarts"] for job in jobs_of(name)} == {"0", "1"}
        departures = work.finish(launcher)
    assert work.results == [1] * 16
    assert all(departure.in_peace for departure in departures)
    assert len(work.workers) == 3


@pytest.mark.usefixtures("cluster")
def test_a_cancelled_job_is_replaced(tmp_path: Path) -> None:
    work = Work(tmp_path, 4, seconds=1)
    with SlurmJobs(poll=0.2) as launcher:
        launcher.start(work.order(1))
        until(lambda: len(work.busy) == 1, "it works", 20)
        (job,) = jobs_of(work.busy[0].name)
        subprocess.run(["scancel", job["id"]], check=True)
        departures = work.finish(launcher)
    assert work.results == [1] * 4
    assert departures[0].reason.endswith("its SLURM job is CANCELLED")


def script_of(options: SlurmOptions, folder: Path, **order: Any) -> set[str]:
    """The lines that sbatch is told for an order."""
    work = Work(folder, 1, seconds=30)
    with SlurmJobs(options, poll=0.2) as launcher:
        launcher.start(work.order(1, **order))
        (job,) = jobs_of(next(iter(launcher._crew)))
        return set(Path(job["script"]).read_text().splitlines())


@pytest.mark.usefixtures("cluster")
def test_sbatch_is_told_what_the_worker_needs_and_what_the_user_says(tmp_path: Path) -> None:
    options = SlurmOptions(
        partition="all",
        time="1-00:30",
        setup=("module() { :; }", "module load cuda"),
        signal_seconds=120,
        sbatch={"nice": 100, "exclusive": False, "spread-job": True},
    )
    lines = script_of(options, tmp_path, cores=2, memory=2**30)
    assert lines >= {
        "#SBATCH --partition=all",
        "#SBATCH --time=1470",
        "#SBATCH --signal=USR2@120",
        "#SBATCH --requeue",
        "#SBATCH --cpus-per-task=2",
        "#SBATCH --mem=2048M",
        "#SBATCH --nice=100",
        "#SBATCH --spread-job",
        "module load cuda",
    }
    assert not any("exclusive" in line for line in lines)
    assert any(line.startswith("srun ") and "--cpus-per-task=2" in line for line in lines)


@pytest.mark.usefixtures("cluster")
def test_each_worker_has_a_gpu_of_its_own(tmp_path: Path) -> None:
    work = Work(tmp_path, 6, seconds=1)
    with SlurmJobs(poll=0.2) as launcher:
        launcher.start(work.order(3, gpus=1.0))
        until(lambda: len(work.busy) == 2, "two work", 20)
        assert launcher.alive() == 3, "the third waits for a GPU"
        work.finish(launcher)
    first = [worker.options["CUDA_VISIBLE_DEVICES"] for worker in work.workers[:2]]
    assert sorted(first) == ["0", "1"]
    assert {worker.options["device"] for worker in work.workers} == {"cuda"}


@pytest.mark.usefixtures("cluster")
def test_what_slurm_refuses_is_told_in_its_words(tmp_path: Path) -> None:
    work = Work(tmp_path, 1)
    with (
        SlurmJobs(SlurmOptions(partition="nosuch")) as launcher,
        pytest.raises(UserError, match=r"SLURM does not take .*Invalid partition name"),
    ):
        launcher.start(work.order(1))


@pytest.mark.usefixtures("cluster")
def test_a_part_of_a_gpu_needs_the_clusters_word_for_it(tmp_path: Path) -> None:
    work = Work(tmp_path, 1)
    with SlurmJobs() as launcher, pytest.raises(UserError, match="gres=shard:1"):
        launcher.start(work.order(1, gpus=0.5))


def test_without_slurm_the_user_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_module("submitit")
    monkeypatch.setenv("PATH", str(tmp_path))
    work = Work(tmp_path, 1)
    with SlurmJobs() as launcher, pytest.raises(UserError, match="srun is not found"):
        launcher.start(work.order(1))


def test_options_come_from_files_and_words_of_which_the_last_wins(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_text('partition: gpu\ntime: "1:00:00"\nsetup: [module load a, module load b]\n')
    found = slurm_options([str(path), "time=30", "account=lab", "sbatch.licenses=x:1"])
    assert found == SlurmOptions(
        partition="gpu",
        account="lab",
        time="30",
        setup=("module load a", "module load b"),
        sbatch={"licenses": "x:1"},
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["partion=gpu"], "--slurm: unknown key 'partion'; did you mean 'partition'"),
        (["time=soon"], "--slurm: time: must be such as"),
        (["time=0"], "--slurm: time: must be more than zero"),
        (["signal_seconds=1"], "--slurm: signal_seconds: .*greater than or equal to 10"),
        (["nosuch.yaml"], "nosuch.yaml: there is no such file"),
        (["partition="], "--slurm partition=: write key=value"),
    ],
)
def test_a_mistake_in_an_option_is_told(settings: list[str], words: str) -> None:
    with pytest.raises(UserError, match=words):
        slurm_options(settings)


def test_a_time_that_yaml_reads_as_a_number_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_text("partition: gpu\ntime: 4:00:00\n")
    with pytest.raises(UserError, match=r"cluster.yaml, line 2: time: must be a quoted text"):
        slurm_options([str(path)])
