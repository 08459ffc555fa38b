"""Workers as an array of SLURM jobs, through submitit; the only file that imports it.

A job that is preempted, requeued or at its time limit goes back to the queue by itself, as SLURM
and submitit do it; its worker gives its trial back before. Whether this process lives is of no
consequence to the jobs.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

from dse.errors import UserError
from dse.study.launch.base import GRACE_SECONDS, Launcher, WorkerOrder
from dse.study.launch.child import last_words, run
from dse.study.launch.departures import Ending
from dse.study.launch.slurm_options import SlurmOptions, minutes

POLL_SECONDS: Final = 10.0
"""The controller, which serves a whole cluster, is asked no more often than this."""
REQUEUES: Final = 10_000
"""A worker keeps nothing, so that reaching a time limit is no failure, however often."""
HEADROOM_BYTES: Final = 2**30
"""What a job may hold beyond its worker's cap: code, shared memory, the job's own script."""
ENDED: Final = re.compile(
    "COMPLETED|FAILED|CANCELLED|TIMEOUT|DEADLINE|OUT_OF_MEMORY|NODE_FAIL|BOOT_FAIL|REVOKED|"
)
"""States that a job leaves no more; the empty one is of a job that is not known any more."""


def import_submitit() -> Any:
    """submitit.

    Raises:
        UserError: it is not installed.
    """
    try:
        import submitit
    except ImportError as error:
        raise UserError(
            f"{error.name} is not installed; install the extra: pip install 'dse[slurm]'."
        ) from None
    return submitit


class SlurmJobs(Launcher[str]):
    """Workers as jobs of the SLURM cluster that this machine submits to, each of one task.

    The folder of logs, the store, the data and this Python must be the same on all nodes.

    Args:
        options: of sbatch.
        poll: seconds between questions to the controller.
    """

    kind: ClassVar[str] = "slurm"

    def __init__(self, options: SlurmOptions | None = None, *, poll: float = POLL_SECONDS) -> None:
        super().__init__()
        self._submitit = import_submitit()
        utils = self._submitit.core.utils
        self._failures = (utils.FailedJobError, utils.FailedSubmissionError)
        self._options = options or SlurmOptions()
        self._poll = poll
        self._asked = 0.0

    def _open(self, order: WorkerOrder) -> None:
        if 0 < order.gpus < 1 and self._options.gres is None:
            raise UserError(
                "SLURM hands out whole GPUs: use --gpu-share 1, or say how your cluster names a "
                "part of one (--slurm gres=shard:1)."
            )
        folder = order.logs / "slurm"
        try:
            self._executor = self._submitit.SlurmExecutor(folder, max_num_timeout=REQUEUES)
        except RuntimeError:
            say = "srun is not found here: is this a machine of a SLURM cluster?"
            raise UserError(say) from None
        self._executor.update_parameters(**self._parameters(order))

    def _parameters(self, order: WorkerOrder) -> dict[str, Any]:
        """What the worker needs, then what the user says."""
        given = self._options
        sbatch = {key: value for key, value in given.sbatch.items() if value is not False}
        found: dict[str, Any] = {
            "job_name": self._family,
            "array_parallelism": order.count,
            "cpus_per_task": order.cores,
            # since SLURM 22.05 srun does not inherit this
            "srun_args": [f"--cpus-per-task={order.cores}"],
            "time": minutes(given.time),
            "setup": list(given.setup),
            "signal_delay_s": given.signal_seconds,
            "additional_parameters": {"requeue": True, **sbatch},
            **given.model_dump(
                include={"partition", "account", "qos", "gres", "constraint"}, exclude_none=True
            ),
        }
        if order.gpus and given.gres is None:
            found["gpus_per_node"] = 1
        if order.memory is not None:
            found["mem"] = f"{(order.memory + HEADROOM_BYTES) // 2**20}M"
        return found

    def _hire(self, names: Sequence[str], order: WorkerOrder) -> dict[str, str]:
        device = "cuda" if order.gpus else None  # the one that SLURM lets the job see
        workers = [
            JobWorker(order.argv(name, device=device), order.environment, order.output(name))
            for name in names
        ]
        try:
            with self._executor.batch():
                jobs = [self._executor.submit(worker) for worker in workers]
        except (*self._failures, OSError) as error:
            raise UserError(f"SLURM does not take the workers: {_last_line(error)}.") from None
        self._asked = 0.0
        return {name: str(job.job_id) for name, job in zip(names, jobs, strict=True)}

    def _endings(self, crew: Mapping[str, str]) -> dict[str, Ending]:
        if time.monotonic() - self._asked < self._poll:
            return {}
        self._asked = time.monotonic()
        states = self._states()
        if states is None:
            return {}
        found = {}
        for name, job in crew.items():
            state, code = states.get(job, ("", 0))
            if ENDED.fullmatch(state):
                found[name] = self._ending(name, state, code)
        return found

    def _ending(self, name: str, state: str, code: int) -> Ending:
        assert self._order is not None
        words = last_words(self._order.output(name))
        if state == "COMPLETED":
            return Ending(code=0, words=words)
        if state == "FAILED":
            return Ending(code=code, words=words)
        return Ending(code=None, words=f"its SLURM job is {state or 'no longer known'}")

    def _states(self) -> dict[str, tuple[str, int]] | None:
        """State and exit code of each of our jobs; None if the controller does not say."""
        command = ["squeue", "--noheader", "--array", "--states=all", "--me"]
        command += [f"--name={self._family}", "--Format=JobArrayID:64,State:32,exit_code:16"]
        try:
            said = subprocess.run(
                command, capture_output=True, text=True, check=True, timeout=60
            ).stdout
        except (OSError, subprocess.SubprocessError):
            return None
        rows = (line.split() for line in said.splitlines())
        return {job: (state, _exit_code(status)) for job, state, status in rows}

    def _dismiss(self, crew: Mapping[str, str]) -> None:
        """Also ends what is requeued just now: all jobs of our name."""
        subprocess.run(["scancel", f"--name={self._family}"], check=False, capture_output=True)
        limit = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < limit:
            states = self._states()
            if states is not None and all(ENDED.fullmatch(state) for state, _ in states.values()):
                return
            time.sleep(min(1.0, self._poll))


class JobWorker:
    """What runs in a job: one worker, until it ends or the job does.

    Before the job's time limit submitit is signalled, asks for `checkpoint` and requeues the job.
    SIGTERM comes with that, or if SLURM or an administrator preempts, requeues or cancels the job:
    the worker gives its trial back, and what becomes of the job is theirs to say.
    """

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str], output: Path) -> None:
        self._argv = list(argv)
        self._environment = dict(environment)
        self._output = output

    def __call__(self) -> None:
        """Work. Exits with the worker's code if it is not 0, and with 128 + N after signal N."""
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
        code = run(self._argv, environment=self._environment, output=self._output).code
        if code:
            sys.exit(code if code > 0 else 128 - code)

    def checkpoint(self) -> Any:
        """What submitit runs after a requeue: the same. The worker ends as submitit exits."""
        return import_submitit().helpers.DelayedSubmission(self)


def _exit_code(status: str) -> int:
    """What a status that squeue prints says, as subprocesses' return codes do.

    It is that of wait(2), or CODE:SIGNAL.

    >>> _exit_code("512"), _exit_code("9"), _exit_code("35072"), _exit_code("0:9")
    (2, -9, -9, -9)
    """
    code, _, number = status.partition(":")
    found = os.waitstatus_to_exitcode(int(code)) if not number else -int(number) or int(code)
    return 128 - found if found > 128 else found


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else type(error).__name__
