"""Two processes under torchrun: the same training as one, to the same bits after any kill."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tests.training import small

ROOT = Path(__file__).parents[2]
SECONDS = 240


def torchrun(folder: Path, name: str, *more: str, module: str = "dse") -> subprocess.Popen[str]:
    """`dse train` in two processes, on a free port."""
    arguments = ["train", str(folder / "train.yaml"), "--data", str(folder / "images")]
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node"]
    return subprocess.Popen(
        [*command, "2", "-m", module, *arguments, "-o", str(folder / name), *more],
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
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.005)
    kill(process)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return dict(torch.load(folder / "weights.pt", weights_only=True))


def rows(folder: Path) -> list[list[str]]:
    """The log but for what a clock says."""
    with (folder / "log.csv").open() as file:
        return [row[:-2] for row in csv.reader(file)]


RECIPE = small.recipe(schedule={"epochs": 4, "warmup_epochs": 1})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Configuration and images of one training."""
    place = tmp_path_factory.mktemp("distributed")
    small.write_training(place, RECIPE)
    return place


@pytest.fixture(scope="module")
def undisturbed(folder: Path) -> tuple[Path, str]:
    """Where two processes trained without being disturbed, and what they said."""
    return folder / "undisturbed", finished(torchrun(folder, "undisturbed"))


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds processes under /proc")
def test_two_processes_killed_within_an_epoch_end_with_the_bits_of_undisturbed_ones(
    folder: Path, undisturbed: tuple[Path, str]
) -> None:
    run = folder / "disturbed"
    disturbed = torchrun(folder, run.name, "--keep-every", "0")
    kill_after(disturbed, run / "checkpoints/epoch-00001-step-00000002.pt")
    newest = max(path.stem for path in (run / "checkpoints").glob("epoch-*.pt"))
    epoch, step = int(newest.split("-")[1]), int(newest.split("-")[3])
    assert step > 0, "killed between two epochs"
    assert not (run / "weights.pt").exists()
    said = finished(torchrun(folder, run.name))
    assert said.count(f"Goes on from epoch {epoch + 1}, step {step} of 6.") == 1
    one, other = weights(undisturbed[0]), weights(run)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert rows(undisturbed[0]) == rows(run)
    assert len(rows(run)) == 5


def test_two_processes_train_as_one_does_up_to_rounding(
    folder: Path, undisturbed: tuple[Path, str]
) -> None:
    place, said = undisturbed
    assert "2 processes, up to 4 images at once" in said
    assert said.count("Epoch 4 of 4") == 1  # one process alone prints
    alone = dict(small.weights(small.run(folder, RECIPE, name="alone")))
    torch.testing.assert_close(weights(place), alone, rtol=0, atol=1e-5)


def test_where_one_process_lacks_memory_all_take_smaller_parts(
    folder: Path, undisturbed: tuple[Path, str]
) -> None:
    said = finished(torchrun(folder, "short", module="tests.training.short_of_memory"))
    assert said.count("Out of memory with 4 images at once: 2 from here on") == 1
    torch.testing.assert_close(
        weights(folder / "short"), weights(undisturbed[0]), rtol=0, atol=1e-5
    )
    assert json.loads((folder / "short/result.json").read_text())["micro_batch"] == 2


def test_a_mistake_is_told_once_by_all_processes_together(tmp_path: Path) -> None:
    small.write_training(tmp_path, RECIPE, network="nothing.yaml")
    process = torchrun(tmp_path, "run")
    said, _ = process.communicate(timeout=SECONDS)
    assert process.returncode != 0
    assert said.count("nothing.yaml: there is no such file") == 1
