"""Workers as processes of this machine. They end with the process that started them."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from typing import ClassVar

from dse.errors import UserError
from dse.study.launch.base import Launcher, WorkerOrder
from dse.study.launch.child import end_all, ending, spawn
from dse.study.launch.departures import Ending
from dse.study.launch.gpus import Gpus, visible_gpus
from dse.study.launch.mps import PrivateMps

Process = subprocess.Popen[bytes]


class LocalProcesses(Launcher[Process]):
    """Worker processes of this machine: so many on each GPU as their shares allow.

    Where they share one, they do by MPS if the driver offers it (`PrivateMps`).
    """

    kind: ClassVar[str] = "local"

    def __init__(self) -> None:
        super().__init__()
        self._gpus: Gpus | None = None
        self._mps: PrivateMps | None = None

    def _open(self, order: WorkerOrder) -> None:
        if order.gpus:
            gpus = Gpus(visible_gpus(order.device), order.gpus)
            gpus.require(order.count)
            self._gpus = gpus
            if order.gpus <= 0.5:
                self._mps = PrivateMps.start(gpus.names)

    def _close(self) -> None:
        if self._mps is not None:
            self._mps.stop()
        self._gpus = self._mps = None

    def _hire(self, names: Sequence[str], order: WorkerOrder) -> dict[str, Process]:
        started: dict[str, Process] = {}
        try:
            for name in names:
                started[name] = self._start(name, order)
        except BaseException as error:
            end_all(started.values())
            if isinstance(error, OSError):
                raise UserError(f"no worker can be started: {error.strerror}.") from None
            raise
        return started

    def _start(self, name: str, order: WorkerOrder) -> Process:
        environment = order.environment
        if self._gpus is None:
            argv = order.argv(name)
        else:
            argv = order.argv(name, device="cuda")
            environment |= self._on_gpu(self._gpus.take(name), self._gpus.names)
        return spawn(argv, environment=environment, output=order.output(name))

    def _on_gpu(self, gpu: str, gpus: Sequence[str]) -> dict[str, str]:
        if self._mps is None:
            return {"CUDA_VISIBLE_DEVICES": gpu}
        return {"CUDA_VISIBLE_DEVICES": str(gpus.index(gpu)), **self._mps.environment}

    def _endings(self, crew: Mapping[str, Process]) -> dict[str, Ending]:
        assert self._order is not None
        ended = [name for name, process in crew.items() if process.poll() is not None]
        if self._gpus is not None:
            for name in ended:
                self._gpus.give_back(name)
        return {name: ending(crew[name], self._order.output(name)) for name in ended}

    def _dismiss(self, crew: Mapping[str, Process]) -> None:
        end_all(crew.values())
