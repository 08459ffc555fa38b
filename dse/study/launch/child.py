"""A child process that ends with its parent, however that ends: the kernel sees to it on Linux.

As a program (`python -m dse.study.launch.child PARENT COMMAND...`) it arranges that for itself and
then becomes the command. So nothing runs between fork and exec in a parent that may have threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from dse.study.launch.base import GRACE_SECONDS
from dse.study.launch.departures import Ending

POLL_SECONDS: Final = 0.1
PR_SET_PDEATHSIG: Final = 1  # from linux/prctl.h
TAIL_BYTES: Final = 4096


def spawn(
    argv: Sequence[str], *, environment: Mapping[str, str], output: Path
) -> subprocess.Popen[bytes]:
    """Start a command that ends with the calling thread (on Linux) and never sees Ctrl-C.

    Args:
        environment: what it has besides ours.
        output: the file for what it prints; begun anew.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    guard = [sys.executable, "-m", "dse.study.launch.child", str(os.getpid())]
    with output.open("wb") as file:
        return subprocess.Popen(
            [*guard, *argv],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def run(argv: Sequence[str], *, environment: Mapping[str, str], output: Path) -> Ending:
    """Run a command to its end. An exception meanwhile, as by a signal, ends it: `end_all`."""
    process = spawn(argv, environment=environment, output=output)
    try:
        while process.poll() is None:
            time.sleep(POLL_SECONDS)
    finally:
        end_all([process])
    return ending(process, output)


def ending(process: subprocess.Popen[bytes], output: Path) -> Ending:
    """How a process that has ended did. Nobody needs the output of one that said nothing."""
    assert process.returncode is not None
    words = last_words(output)
    if not words:
        output.unlink(missing_ok=True)
    return Ending(code=process.returncode, words=words)


def last_words(output: Path) -> str:
    """The last line of a file that has any; nothing if it cannot be read."""
    with suppress(OSError), output.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines()]
        return next((line for line in reversed(lines) if line), "")
    return ""


def end_all(processes: Iterable[subprocess.Popen[bytes]]) -> None:
    """Ask processes of `spawn` to end, and kill those that have not after `GRACE_SECONDS`."""
    living = [process for process in processes if process.poll() is None]
    for process in living:
        process.terminate()
    limit = time.monotonic() + GRACE_SECONDS
    for process in living:
        try:
            process.wait(max(0.0, limit - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # and whatever it started itself
            process.wait()


def main() -> None:
    """Be the guard, then the command."""
    parent, *argv = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):
        sys.exit(1)  # it ended before we could be told
    # SLURM signals a whole job so, of which only submitit's part knows what it means
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    try:
        os.execvp(argv[0], argv)
    except OSError as error:
        sys.exit(f"{argv[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
