"""What all ways to start workers have in common: the order and the contract."""

from __future__ import annotations

import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Final, Generic, Self, TypeVar

from dse.study.launch.departures import Departure, Ending, Patience

GRACE_SECONDS: Final = 20.0
"""So long may a worker take to give its trial back before it is killed."""
PAUSE_SECONDS: Final = 5.0
"""A worker that ends in peace sooner found nothing to do; the next one waits as long."""
THREADS: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

Handle = TypeVar("Handle")


@dataclass(frozen=True, kw_only=True)
class WorkerOrder:
    """So many identical workers.

    Attributes:
        command: starts one worker, such as (python, -m, dse, worker, --store, URL), on every
            machine that the launcher may use; `argv` adds the options that differ.
        count: workers, at least 1.
        logs: folder for `NAME.log` (the worker's log) and `NAME.out` (whatever it prints).
        device: what a worker's --device takes.
        cores: CPU cores for each, and threads of its arithmetic.
        gpus: share of a GPU for each: 0 for none, up to 1 for a whole one.
        memory: bytes that each may hold; None for no cap.
        secrets: of their environment, such as the store's URL with its password, which a command
            line would show to every user of the machine.
    """

    command: tuple[str, ...]
    count: int
    logs: Path
    device: str = "auto"
    cores: int = 1
    gpus: float = 0.0
    memory: int | None = None
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        assert self.command, "a worker needs a command"
        assert min(self.count, self.cores) >= 1
        assert 0 <= self.gpus <= 1
        assert self.memory is None or self.memory >= 1024
        assert self.logs.is_absolute(), "workers may have another current folder"
        assert not (self.gpus and self.device == "cpu"), "a GPU was ordered for the CPU"

    def argv(self, name: str, *, device: str | None = None) -> list[str]:
        """The command line of the worker `name`, on another device if one is given."""
        words = [*self.command, "--name", name, "--log", str(self.logs / f"{name}.log")]
        words += ["--device", device or self.device]
        if self.memory is not None:
            words += ["--memory", f"{self.memory // 1024}KiB"]
        if 0 < self.gpus < 1:
            words += ["--gpu-share", f"{self.gpus:g}"]
        return words

    def output(self, name: str) -> Path:
        """Where the worker `name` prints to."""
        return self.logs / f"{name}.out"

    @property
    def environment(self) -> dict[str, str]:
        """What a worker's environment has besides: read when numpy and torch are imported, as
        several processes with several threads each would fight for the cores."""
        return dict.fromkeys(THREADS, str(self.cores)) | dict(self.secrets)


@dataclass(frozen=True)
class _Worker(Generic[Handle]):
    handle: Handle
    since: float


class Launcher(ABC, Generic[Handle]):
    """Starts identical workers and keeps them for the length of a `with` block.

    It knows nothing of trials: what is to be done is in the store, and every number it needs is
    told. All calls come from one thread, the one that enters the block, which must live as long
    as it. Whatever way the block is left, the workers are stopped; where this process is
    killed, its engine ends them (processes by the kernel, Ray with its driver) or they go on
    until nothing waits (SLURM), which does no harm.

    A launcher of its own kind says how one engine starts, watches and ends workers (`_hire`,
    `_endings`, `_dismiss`), and may prepare and clean up (`_open`, `_close`).
    """

    kind: ClassVar[str]
    """What names of workers begin with."""

    def __init__(self) -> None:
        self._order: WorkerOrder | None = None
        self._crew: dict[str, _Worker[Handle]] = {}
        self._gone: list[Departure] = []
        self._family = f"{self.kind}-{secrets.token_hex(3)}"  # no other launcher's workers
        self._born = 0
        self._hired = False
        self._not_before = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, order: WorkerOrder) -> None:
        """Start as many workers as ordered; while they live, the same order starts no more.

        Raises:
            UserError: the engine is absent, refuses the order, or cannot ever meet it.
        """
        if self._order is None:
            try:
                self._open(order)
            except BaseException:
                self._close()
                raise
            self._order, self._patience = order, Patience(order.count)
        assert self._order == order, "one order at a time"
        self._collect()
        self._fill(order.count)

    def alive(self) -> int:
        """How many workers run, or wait in the engine's queue for a machine."""
        self._collect()
        return len(self._crew)

    def keep(self, left: int) -> tuple[Departure, ...]:
        """See to it that there are as many workers as ordered, but no more than unfinished trials.

        Call it about once a second while trials are left, and whenever some are added: it
        replaces workers that died and, as idle ones end by themselves, starts new ones for new
        trials. A worker that the engine itself starts again (a preempted SLURM job, a task of a
        lost Ray node) counts as alive meanwhile.

        Args:
            left: trials that wait or run.

        Returns:
            Who has ended since the last call. A trial of theirs need not wait for the end of
            its lease.

        Raises:
            UserError: workers end in a row and no trial is finished (`Patience`).
        """
        assert self._order is not None, "start comes first"
        self._collect()
        departures, self._gone = tuple(self._gone), []
        self._patience.judge(departures, left)
        if any(gone.in_peace and gone.seconds < PAUSE_SECONDS for gone in departures):
            self._not_before = time.monotonic() + PAUSE_SECONDS
        if time.monotonic() >= self._not_before:
            self._fill(min(self._order.count, left))
        return departures

    def stop(self) -> None:
        """Ask the workers to give their trials back, and return when they have ended.

        One that takes longer than `GRACE_SECONDS` is killed. Stopping again does nothing; after
        it, `start` may be called with any order.
        """
        crew, self._crew, self._gone = self._crew, {}, []
        order, self._order = self._order, None
        try:
            if self._hired:
                self._dismiss({name: worker.handle for name, worker in crew.items()})
        finally:
            self._hired = False
            if order is not None:
                self._close()

    def _fill(self, size: int) -> None:
        names = [f"{self._family}-{self._born + k}" for k in range(1, size - len(self._crew) + 1)]
        if names:
            assert self._order is not None
            self._born += len(names)
            self._hired = True  # even if we are interrupted now
            now = time.monotonic()
            for name, handle in self._hire(names, self._order).items():
                self._crew[name] = _Worker(handle, now)

    def _collect(self) -> None:
        """Take those who have ended out of the crew."""
        if not self._crew:
            return
        handles = {name: worker.handle for name, worker in self._crew.items()}
        for name, ending in self._endings(handles).items():
            seconds = time.monotonic() - self._crew.pop(name).since
            self._gone.append(Departure(name=name, ending=ending, seconds=seconds))

    def _open(self, order: WorkerOrder) -> None:
        """Prepare for an order. Raises `UserError` if the engine cannot meet it."""

    def _close(self) -> None:
        """Clean up what `_open` made, or had made when it failed; no worker is left."""

    @abstractmethod
    def _hire(self, names: Sequence[str], order: WorkerOrder) -> Mapping[str, Handle]:
        """Start a worker of each name, or none.

        Raises:
            UserError: the engine refuses.
        """

    @abstractmethod
    def _endings(self, crew: Mapping[str, Handle]) -> Mapping[str, Ending]:
        """How those workers ended that have; the engine may be asked less often than we are."""

    @abstractmethod
    def _dismiss(self, crew: Mapping[str, Handle]) -> None:
        """Have all of them give back and end, by force after `GRACE_SECONDS`.

        Whoever was hired while we were interrupted is not among them, but ends too.
        """
