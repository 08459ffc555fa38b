"""NVIDIA's Multi-Process Service: kernels of several workers run on one GPU at the same time.

Without it they take turns. We start a daemon of our own, found only by our workers through a
folder of its own, and never touch one that runs already.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from dse.study.launch.child import end_all, spawn

PROGRAM: Final = "nvidia-cuda-mps-control"
PIPES: Final = "CUDA_MPS_PIPE_DIRECTORY"
DEFAULT_PIPES: Final = Path("/tmp/nvidia-mps")
ANSWER_SECONDS: Final = 10.0


class PrivateMps:
    """A running MPS daemon of our own. It ends with `stop`, or with this process."""

    def __init__(self, folder: Path, gpus: Sequence[str]) -> None:
        self._folder = folder
        environment = {**self.environment, "CUDA_VISIBLE_DEVICES": ",".join(gpus)}
        self._daemon = spawn([PROGRAM, "-f"], environment=environment, output=folder / "output")

    @classmethod
    def start(cls, gpus: Sequence[str]) -> Self | None:
        """Start one for these GPUs; None if it is not installed, runs already, or does not start.

        A daemon that runs already serves our workers too: they inherit what names it.
        """
        if shutil.which(PROGRAM) is None or _is_running():
            return None
        mps = cls(Path(tempfile.mkdtemp(prefix="dse-mps-")), gpus)
        if mps._answers():
            return mps
        logging.getLogger(__name__).warning("%s does not start; GPUs are shared in turns", PROGRAM)
        mps.stop()
        return None

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process a client of this daemon.

        The daemon's GPUs are counted anew: for a client, the first one of `gpus` is 0.
        """
        return {PIPES: str(self._folder), "CUDA_MPS_LOG_DIRECTORY": str(self._folder)}

    def stop(self) -> None:
        """End the daemon; its clients have ended."""
        with suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(
                [PROGRAM],
                input=b"quit\n",
                env={**os.environ, **self.environment},
                capture_output=True,
                timeout=ANSWER_SECONDS,
                check=False,
            )
            self._daemon.wait(ANSWER_SECONDS)
        end_all([self._daemon])
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answers(self) -> bool:
        limit = time.monotonic() + ANSWER_SECONDS
        while self._daemon.poll() is None and time.monotonic() < limit:
            if (self._folder / "control").exists():
                return True
            time.sleep(0.05)
        return False


def _is_running() -> bool:
    return PIPES in os.environ or (DEFAULT_PIPES / "control").exists()
