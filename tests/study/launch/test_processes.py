"""What only processes of this machine do: ending with their parent, and sharing its GPUs."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from dse.errors import UserError
from dse.study.launch import child, processes
from dse.study.launch.departures import Ending
from dse.study.launch.gpus import Gpus, visible_gpus
from dse.study.launch.processes import LocalProcesses
from tests.study.launch.work import Work
from tests.study.waiting import alive, until

PARENT = """
import sys, time
from pathlib import Path
from typing import Any
from dse.study.launch.processes import LocalProcesses
from tests.study.launch.work import Work
with LocalProcesses() as launcher:
    launcher.start(Work(Path(sys.argv[1]), seconds=60).order(2))
    time.sleep(60)
"""


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def parent(folder: Path) -> tuple[subprocess.Popen[bytes], list[int]]:
    """A process (and group) with two workers at work, and these."""
    work = Work(folder, 4)
    process = subprocess.Popen([sys.executable, "-c", PARENT, str(folder)], start_new_session=True)
    until(lambda: len(work.busy) == 2, "both work", 20)
    return process, [worker.pid for worker in work.workers]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a process to its parent")
def test_no_worker_survives_a_killed_parent(tmp_path: Path) -> None:
    process, pids = parent(tmp_path)
    process.kill()
    process.wait()
    until(lambda: not any(map(alive, pids)), "the workers are dead", 5)


def test_ctrl_c_reaches_only_the_parent_which_stops_the_workers(tmp_path: Path) -> None:
    process, pids = parent(tmp_path)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    assert process.wait(20) != 0
    assert not any(map(alive, pids))


def test_a_worker_that_does_not_end_is_killed_with_what_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "GRACE_SECONDS", 0.2)
    stubborn = "trap '' TERM; sleep 60 & echo $!; wait; wait"
    output = tmp_path / "output"
    process = child.spawn(["sh", "-c", stubborn], environment={}, output=output)
    until(lambda: child.last_words(output) != "", "it has begun")
    child.end_all([process])
    assert process.returncode == -signal.SIGKILL
    until(lambda: not alive(int(child.last_words(output))), "its own child is dead", 5)


def test_workers_that_cannot_be_started_are_told_and_those_that_were_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Work(tmp_path, 4, seconds=60)
    spawned: list[subprocess.Popen[bytes]] = []

    def spawn_two(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        if len(spawned) == 2:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        spawned.append(child.spawn(*arguments, **options))
        return spawned[-1]

    monkeypatch.setattr(processes, "spawn", spawn_two)
    with LocalProcesses() as launcher, pytest.raises(UserError, match="no worker can be started"):
        launcher.start(work.order(3))
    assert all(process.returncode is not None for process in spawned)


def test_a_command_that_is_not_there_is_told(tmp_path: Path) -> None:
    ending = child.run(["nosuch"], environment={}, output=tmp_path / "logs" / "w.out")
    assert ending == Ending(code=1, words="nosuch: No such file or directory")


def test_output_stays_only_if_there_is_any(tmp_path: Path) -> None:
    loud, silent = tmp_path / "loud", tmp_path / "silent"
    assert child.run(["echo", "a\nb\n"], environment={}, output=loud).words == "b"
    assert child.run(["true"], environment={}, output=silent) == Ending(code=0)
    assert (loud.exists(), silent.exists()) == (True, False)


def test_a_worker_leaves_slurms_own_signal_alone(tmp_path: Path) -> None:
    output = tmp_path / "output"
    ending = child.run(["sh", "-c", "kill -USR2 $$; echo on"], environment={}, output=output)
    assert ending == Ending(code=0, words="on")


@pytest.mark.parametrize(
    ("device", "listed", "names"),
    [
        ("auto", None, ("0", "1")),
        ("cuda", "3,5", ("3", "5")),
        ("cuda:1", "GPU-a,GPU-b", ("GPU-b",)),
        ("cuda:0", None, ("0",)),
    ],
)
@pytest.mark.usefixtures("two_gpus")
def test_devices_are_counted_among_the_visible_ones(
    device: str, listed: str | None, names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    if listed is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", listed)
    assert visible_gpus(device) == names


@pytest.mark.usefixtures("two_gpus")
def test_a_device_that_is_not_there_is_told() -> None:
    with pytest.raises(UserError, match="--device cuda:2: there are 2 GPUs here"):
        visible_gpus("cuda:2")


def test_workers_are_spread_over_gpus_and_take_the_places_of_those_who_left() -> None:
    gpus = Gpus(("a", "b"), 0.4)
    gpus.require(4)
    with pytest.raises(UserError, match=r"5 workers do not fit: there are 2 GPUs.* each takes 2"):
        gpus.require(5)
    assert [gpus.take(str(k)) for k in range(4)] == ["a", "b", "a", "b"]
    gpus.give_back("1")
    assert gpus.take("4") == "b"


@pytest.mark.parametrize(("share", "each"), [(1.0, 1), (0.5, 2), (0.3, 3), (1 / 3, 3), (0.1, 10)])
def test_shares_that_fit_do_in_spite_of_rounding(share: float, each: int) -> None:
    gpus = Gpus(("a",), share)
    gpus.require(each)
    with pytest.raises(UserError):
        gpus.require(each + 1)


@pytest.mark.usefixtures("two_gpus")
def test_each_worker_sees_the_gpu_of_which_it_has_a_share(tmp_path: Path) -> None:
    work = Work(tmp_path, 8, seconds=0.5)
    with LocalProcesses() as launcher:
        launcher.start(work.order(3, gpus=0.5, device="cuda"))
        until(lambda: len(work.busy) == 3, "all work")
        victim = next(w for w in work.busy if w.options["CUDA_VISIBLE_DEVICES"] == "1")
        os.kill(victim.pid, signal.SIGKILL)
        work.finish(launcher)
    seen = [worker.options["CUDA_VISIBLE_DEVICES"] for worker in work.workers]
    assert sorted(seen[:3]) == ["0", "0", "1"]
    assert seen[3] == "1"
    assert {(w.options["device"], w.options["gpu_share"]) for w in work.workers} == {
        ("cuda", "0.5")
    }


@pytest.mark.usefixtures("two_gpus")
def test_more_workers_than_gpus_take_are_refused(tmp_path: Path) -> None:
    work = Work(tmp_path, 8)
    with LocalProcesses() as launcher, pytest.raises(UserError, match="3 workers do not fit"):
        launcher.start(work.order(3, gpus=1.0))
    assert work.workers == []
