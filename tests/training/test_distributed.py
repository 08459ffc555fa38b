"""Two processes under torchrun: the same training as one, to the same bits after any kill."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from dse.training.recipe import Recipe
from tests.training import small

ROOT = Path(__file__).parents[2]
SECONDS = 240


def torchrun(folder: Path, name: str, *more: str) -> subprocess.Popen[str]:
    """`dse train` in two processes, on a free port."""
    arguments = ["train", str(folder / "train.yaml"), "--data", str(folder / "images")]
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node"]
    return subprocess.Popen(
        [*command, "2", "-m", "dse", *arguments, "-o", str(folder / name), *more],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def finished(process: subprocess.Popen[str]) -> str:
    """What it said, when it has ended well."""
    said, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, said
    return said


def kill(process: subprocess.Popen[str]) -> None:
    """Kill torchrun and its two processes at once, as a machine that fails does."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) == 2
    for pid in (process.pid, *map(int, children)):
        os.kill(pid, signal.SIGKILL)
    process.communicate(timeout=SECONDS)


def kill_after(process: subprocess.Popen[str], checkpoint: Path) -> None:
    """Kill it as soon as the checkpoint, or a later one, is there."""
    deadline = time.monotonic() + SECONDS
    while not any(path >= checkpoint for path in checkpoint.parent.glob("epoch-*.pt")):
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[0]
        time.sleep(0.005)
    kill(process)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return dict(torch.load(folder / "weights.pt", weights_only=True))


def rows(folder: Path) -> list[list[str]]:
    """The log but for what a clock says."""
    with (folder / "log.csv").open() as file:
        return [row[:-2] for row in csv.reader(file)]


@pytest.fixture
def recipe() -> Recipe:
    return small.recipe(drop_path_rate=0.0, schedule={"epochs": 4, "warmup_epochs": 1})


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds processes under /proc")
def test_two_processes_killed_within_an_epoch_end_with_the_bits_of_undisturbed_ones(
    tmp_path: Path, recipe: Recipe
) -> None:
    small.write_training(tmp_path, recipe.model_copy(update={"drop_path_rate": 0.3}))
    undisturbed = torchrun(tmp_path, "undisturbed")
    disturbed = torchrun(tmp_path, "disturbed", "--keep-every", "0")
    kill_after(disturbed, tmp_path / "disturbed/checkpoints/epoch-00001-step-00000002.pt")
    kept = sorted(path.stem for path in (tmp_path / "disturbed/checkpoints").glob("epoch-*.pt"))
    assert kept and not (tmp_path / "disturbed/weights.pt").exists()
    finished(undisturbed)
    said = finished(torchrun(tmp_path, "disturbed"))
    epoch, step = int(kept[-1].split("-")[1]), int(kept[-1].split("-")[3])
    assert said.count(f"Goes on from epoch {epoch + 1}, step {step} of 6.") == 1
    assert step > 0, "killed between two epochs"
    one, other = weights(tmp_path / "undisturbed"), weights(tmp_path / "disturbed")
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert rows(tmp_path / "undisturbed") == rows(tmp_path / "disturbed")
    assert len(rows(tmp_path / "disturbed")) == 5


def test_two_processes_train_as_one_does_up_to_rounding(tmp_path: Path, recipe: Recipe) -> None:
    small.write_training(tmp_path, recipe)
    together = torchrun(tmp_path, "together")
    alone = small.run(tmp_path, recipe, name="alone")
    said = finished(together)
    assert "2 processes, up to 4 images at once" in said
    assert said.count("Epoch 4 of 4") == 1  # one process alone prints
    torch.testing.assert_close(
        weights(tmp_path / "together"), dict(small.weights(alone)), rtol=0, atol=1e-5
    )


def test_a_mistake_is_told_once_by_all_processes_together(tmp_path: Path, recipe: Recipe) -> None:
    small.write_training(tmp_path, recipe, network="nothing.yaml")
    process = torchrun(tmp_path, "run")
    said, _ = process.communicate(timeout=SECONDS)
    assert process.returncode != 0
    assert said.count("nothing.yaml: there is no such file") == 1
