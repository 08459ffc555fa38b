"""The private MPS daemon, with a program that stands in for NVIDIA's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from dse.study.launch import mps
from dse.study.launch.mps import PrivateMps
from dse.study.launch.processes import LocalProcesses
from tests.study.launch.work import Work
from tests.study.waiting import alive, until

CONTROL = """#!/bin/sh
record="{folder}/record"
if [ "$1" = -f ]; then
  echo "begin $$ $CUDA_VISIBLE_DEVICES $CUDA_MPS_PIPE_DIRECTORY" >> "$record"
  {start}
  while [ ! -e "$CUDA_MPS_PIPE_DIRECTORY/asked to quit" ]; do sleep 0.02; done
  echo end >> "$record"
else
  read -r word && touch "$CUDA_MPS_PIPE_DIRECTORY/asked to $word"
fi
"""
READY = 'touch "$CUDA_MPS_PIPE_DIRECTORY/control"'


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for programs, on a machine where no MPS daemon runs; two GPUs are visible."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_MPS_PIPE_DIRECTORY", raising=False)
    monkeypatch.setattr(mps, "DEFAULT_PIPES", tmp_path / "nvidia-mps")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    return tmp_path


def install(machine: Path, start: str = READY) -> None:
    path = machine / mps.PROGRAM
    path.write_text(CONTROL.format(folder=machine, start=start))
    path.chmod(0o755)


def record(machine: Path) -> list[str]:
    path = machine / "record"
    return path.read_text().splitlines() if path.exists() else []


def test_workers_that_share_a_gpu_do_by_a_daemon_of_their_own(machine: Path) -> None:
    install(machine)
    work = Work(machine, 4, seconds=0.2)
    with LocalProcesses() as launcher:
        launcher.start(work.order(4, gpus=0.5))
        work.finish(launcher)
    begin, end = record(machine)
    _, pid, devices, pipes = begin.split()
    assert (devices, end) == ("4,6", "end")
    assert not alive(int(pid))
    assert not Path(pipes).exists()
    seen = [worker.options["CUDA_VISIBLE_DEVICES"] for worker in work.workers]
    assert sorted(seen) == ["0", "0", "1", "1"], "as the daemon counts them"
    assert {worker.options["CUDA_MPS_PIPE_DIRECTORY"] for worker in work.workers} == {pipes}


def test_a_whole_gpu_needs_no_daemon(machine: Path) -> None:
    install(machine)
    work = Work(machine, 2)
    with LocalProcesses() as launcher:
        launcher.start(work.order(2, gpus=1.0))
        work.finish(launcher)
    assert record(machine) == []
    assert sorted(w.options["CUDA_VISIBLE_DEVICES"] or "" for w in work.workers) == ["4", "6"]


def test_a_daemon_that_runs_already_is_left_alone(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(machine)
    (machine / "nvidia-mps").mkdir()
    (machine / "nvidia-mps" / "control").touch()
    assert PrivateMps.start(["0"]) is None
    (machine / "nvidia-mps" / "control").unlink()
    monkeypatch.setenv("CUDA_MPS_PIPE_DIRECTORY", "/theirs")
    assert PrivateMps.start(["0"]) is None
    assert record(machine) == []


def test_without_the_program_there_is_no_daemon(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(machine))
    assert PrivateMps.start(["0"]) is None


@pytest.mark.parametrize("start", ["exit 1", ":"], ids=["fails", "hangs"])
def test_a_daemon_that_does_not_start_is_done_without(
    machine: Path, start: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(mps, "ANSWER_SECONDS", 0.3)
    install(machine, start)
    assert PrivateMps.start(["0"]) is None
    assert "does not start" in caplog.text
    (begin, *_) = record(machine)
    until(lambda: not alive(int(begin.split()[1])), "it is gone", 5)
