from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dse.errors import UserError
from dse.store.lock import store_lock

HOLD = """
import sys, time
from dse.store.lock import store_lock
with store_lock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


def hold(store: Path) -> subprocess.Popen[str]:
    """Another process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(store)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_run_is_refused_and_told_who_holds_the_store(tmp_path: Path) -> None:
    store = tmp_path / "study.db"
    holder = hold(store)
    try:
        words = rf"study\.db: another run \(process {holder.pid}\)"
        with pytest.raises(UserError, match=words), store_lock(store):
            pytest.fail("two runs hold the lock")
    finally:
        holder.kill()
        holder.wait()


def test_a_killed_run_releases_the_lock(tmp_path: Path) -> None:
    store = tmp_path / "study.db"
    holder = hold(store)
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with store_lock(store):
        pass


def test_nothing_is_left_behind_and_the_lock_can_be_taken_again(tmp_path: Path) -> None:
    for _ in range(2):
        with store_lock(tmp_path / "study.db"):
            assert (tmp_path / "study.db.lock").read_text() == str(os.getpid())
        assert list(tmp_path.iterdir()) == []


def test_the_lock_is_released_by_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), store_lock(tmp_path / "study.db"):
        raise KeyboardInterrupt
    with store_lock(tmp_path / "study.db"):
        pass


def test_a_folder_that_takes_no_files_is_a_plain_sentence() -> None:
    if not Path("/proc/self").is_dir():
        pytest.skip("needs /proc, where nobody can create files")
    words = "cannot write in the folder /proc"
    with pytest.raises(UserError, match=words), store_lock("/proc/study.db"):
        pytest.fail("the lock is held without a file")
