"""Workers as processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import secrets
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Final, Self

from dse.errors import UserError
from dse.store.records import Counts
from dse.store.store import Store
from dse.store.target import Place
from dse.study.messages import Broken, Finished, Idle, Lost, Message, Started
from dse.study.progress import REFRESH_SECONDS, Progress
from dse.study.scorer import ScorerFactory, proxy_scorer
from dse.study.worker import serve

MAX_STILLBORN: Final = 3
"""So many workers in a row may die before their first training."""
STOP_SECONDS: Final = 5.0
ONE_THREAD: Final = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"
)
"""Read when numpy and torch are imported: several processes with several threads each would
fight for the cores."""


@dataclass
class _Worker:
    name: str
    process: SpawnProcess
    channel: Connection
    busy: bool = False
    started: bool = False
    training: int | None = None
    last_words: str | None = None

    @property
    def handles(self) -> tuple[Connection, int]:
        """What becomes ready when the worker says something, or dies."""
        return self.channel, self.process.sentinel


class LocalWorkers:
    """A crew of worker processes, each with one thread, kept for the length of a `with` block.

    The caller holds the store's lock (`store_lock`), and so the trials that workers of an
    interrupted run left behind wait again. A worker that dies is replaced, and its training
    starts again. Leaving the block, also by Ctrl-C, stops the workers; a stopped run resumes.
    The thread that enters the block must live as long as it: on Linux workers die with it.
    """

    def __init__(
        self,
        target: Place,
        *,
        workers: int,
        device: str,
        progress: Progress,
        score: ScorerFactory = proxy_scorer,
    ) -> None:
        assert workers >= 1
        self._target = target
        self._run = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._size = workers
        self._device = device
        self._progress = progress
        self._factory = score
        self._crew: dict[int, _Worker] = {}
        self._born = 0
        self._stillborn = 0

    def __enter__(self) -> Self:
        self._store = Store.open(self._target)
        self._store.release_dead_runs("the run was interrupted")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()
        self._progress.end()
        with suppress(UserError):  # the next run does it too
            self._store.release_run(self._run, "the run was stopped")
            if kind is KeyboardInterrupt:
                counts = self._store.counts()
                self._progress.note(
                    f"Stopped: {counts.finished} of {counts.total} trainings are done and kept; "
                    "the same command resumes."
                )
        self._store.close()

    def drain(self) -> None:
        """Work until no trial of the store waits or runs.

        Raises `UserError` if the workers cannot work: full disk, no memory to start, missing data.
        """
        while (counts := self._store.counts()).waiting + counts.running:
            # Others' trainings run, and would wait if their worker were gone: look now and then.
            crew = min(self._size, counts.waiting) or 1
            self._progress.begin(counts, self._store.best(), workers=crew)
            for number in range(crew):
                self._order(number)
            while any(worker.busy for worker in self._crew.values()):
                self._listen()
                self._progress.tick()
            if not self._store.counts().waiting:
                time.sleep(REFRESH_SECONDS)
        # Workers remove their own, but may be killed before, or while they write one.
        self._store.clear_checkpoints()

    def _order(self, number: int) -> None:
        """Let a worker work, a new one if there is none alive by this number."""
        worker = self._crew.get(number)
        if worker is None or not worker.process.is_alive():
            worker = self._crew[number] = self._start(number)
        worker.busy = True
        with suppress(OSError):  # it died this very moment, which `_listen` will see
            worker.channel.send("work")

    def _start(self, number: int) -> _Worker:
        self._born += 1
        name = f"{self._run}-{self._born}"
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(
            target=serve,
            args=(theirs, os.getpid(), name, self._target, self._factory, self._device, self._run),
            name=f"dse worker {number + 1}",
            daemon=True,
        )
        with _worker_environment():
            process.start()
        theirs.close()  # else we would not notice when the worker's end closes
        return _Worker(name=name, process=process, channel=ours)

    def _listen(self) -> None:
        """Wait a moment for messages and deaths, and act on them."""
        crew = sorted(self._crew.items())
        handles = [handle for _, worker in crew for handle in worker.handles]
        ready = wait(handles, timeout=REFRESH_SECONDS)
        for number, worker in crew:
            if any(handle in ready for handle in worker.handles) and not self._hear_out(number):
                self._bury(number)

    def _hear_out(self, number: int) -> bool:
        """Take in all that a worker has said; whether it is still alive."""
        worker = self._crew[number]
        try:
            while worker.channel.poll():
                self._hear(number, worker, worker.channel.recv())
        except (EOFError, OSError):
            return False
        return worker.process.is_alive()

    def _hear(self, number: int, worker: _Worker, message: Message) -> None:
        match message:
            case Broken():
                raise UserError(message.text) if message.mendable else RuntimeError(message.text)
            case Started():
                worker.started, worker.training = True, message.index
                self._stillborn = 0
            case Finished():
                worker.training = None
                self._recount()
            case Lost():
                worker.last_words = message.reason
            case Idle():
                worker.busy, worker.training = False, None
        self._progress.hear(number, message)

    def _bury(self, number: int) -> None:
        """Put a dead worker's training back and, if there is work, someone else in its place."""
        worker = self._crew.pop(number)
        worker.channel.close()
        worker.process.join(STOP_SECONDS)
        worker.process.kill()
        worker.process.join()
        reason = worker.last_words or _cause(worker.process.exitcode)
        self._store.crashed(worker.name, reason)
        self._progress.lose(number)
        counts = self._recount()
        during = "" if worker.training is None else f" while training network {worker.training}"
        self._progress.note(f"worker {number + 1}: {reason}{during}")
        if not worker.started:
            self._stillborn += 1
            if self._stillborn >= MAX_STILLBORN:
                raise UserError(
                    f"{MAX_STILLBORN} worker processes in a row ended before their first "
                    f"training ({reason}): free memory or use fewer --workers."
                )
        if counts.waiting:
            self._order(number)

    def _recount(self) -> Counts:
        counts = self._store.counts()
        self._progress.recount(counts, self._store.best())
        return counts

    def _stop(self) -> None:
        for worker in self._crew.values():
            worker.process.terminate()
        for worker in self._crew.values():
            worker.process.join(STOP_SECONDS)
            worker.process.kill()
            worker.process.join()
            worker.channel.close()
        self._crew.clear()


def run_workers(
    target: Place,
    *,
    workers: int,
    device: str,
    progress: Progress,
    score: ScorerFactory = proxy_scorer,
) -> None:
    """Start workers, return when no trial waits, stop them; see `LocalWorkers`."""
    with LocalWorkers(
        target, workers=workers, device=device, progress=progress, score=score
    ) as crew:
        crew.drain()


def _cause(exitcode: int | None) -> str:
    if exitcode == -signal.SIGKILL:
        return "the worker process was killed (SIGKILL; out of memory, perhaps)"
    if exitcode is not None and exitcode < 0:
        with suppress(ValueError):
            return f"the worker process died of {signal.Signals(-exitcode).name}"
    return f"the worker process ended with exit code {exitcode}"


@contextmanager
def _worker_environment() -> Iterator[None]:
    """What a process started inside inherits: one thread for arithmetic, no Ctrl-C.

    A blocked signal that comes meanwhile reaches us when the block ends, and the child never.
    """
    saved = {key: os.environ.get(key) for key in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        for key, value in saved.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
