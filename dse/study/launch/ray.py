"""Workers as tasks of a Ray cluster; the only file that imports Ray.

Ray places them by their CPU cores, shares of GPUs and memory, and starts one again on another node
if its node is lost. The worker is a process of its own beside Ray's, and ends with it.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from dse.errors import UserError
from dse.study.launch.base import GRACE_SECONDS, Launcher, WorkerOrder
from dse.study.launch.child import run
from dse.study.launch.departures import Ending

ANSWER_SECONDS: Final = 10.0

if TYPE_CHECKING:
    import ray

    Reference = ray.ObjectRef[Ending]


def import_ray() -> Any:
    """Ray.

    Raises:
        UserError: it is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise UserError(
            f"{error.name} is not installed; install the extra: pip install 'dse[ray]'."
        ) from None
    return ray


class RayWorkers(Launcher["Reference"]):
    """Workers on the nodes of a Ray cluster.

    Args:
        address: of the cluster, such as `ray-head:6379`; `auto` is the one of this machine, and
            `local` starts one on this machine, which ends with the last worker.

    The store, the data and the Python environment must be the same on all nodes. Where a Ray
    connection is open already, it is used and left open.
    """

    kind: ClassVar[str] = "ray"

    def __init__(self, address: str = "local") -> None:
        super().__init__()
        self._ray = import_ray()
        self._address = address
        self._connected = False

    def _open(self, order: WorkerOrder) -> None:
        if not self._ray.is_initialized():
            self._connect()
        most = self._ray.cluster_resources()
        for resource, need in _resources(order).items():
            if self._address == "local" and need > most.get(resource, 0):
                raise UserError(
                    f"a worker needs {need:g} of Ray's {resource}, of which this machine has "
                    f"{most.get(resource, 0):g}."
                )

    def _connect(self) -> None:
        if self._address == "local":
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would send some home
        elif self._address != "auto":
            _require_answer(self._address)
        try:
            self._ray.init(
                address=self._address,
                include_dashboard=False if self._address == "local" else None,
                log_to_driver=False,
                logging_level="error",
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            said = _first_line(error)
            raise UserError(f"Ray at {self._address!r} cannot be used: {said}.") from None
        self._connected = True

    def _close(self) -> None:
        if self._connected:
            self._ray.shutdown()
            self._connected = False

    def _hire(self, names: Sequence[str], order: WorkerOrder) -> dict[str, Reference]:
        need = _resources(order)
        task = self._ray.remote(
            num_cpus=need["CPU"],
            num_gpus=need.get("GPU", 0),
            memory=need.get("memory"),
            max_retries=-1,  # whenever a node is lost; how a worker ends is a result, not a loss
            scheduling_strategy="SPREAD",
        )(_work)
        device = "cuda" if order.gpus else None  # the one that Ray lets the task see
        return {
            name: task.options(name=name).remote(
                order.argv(name, device=device), order.environment, str(order.output(name))
            )
            for name in names
        }

    def _endings(self, crew: Mapping[str, Reference]) -> dict[str, Ending]:
        ended, _ = self._ray.wait(list(crew.values()), num_returns=len(crew), timeout=0)
        return {name: self._ending(task) for name, task in crew.items() if task in ended}

    def _ending(self, task: Reference) -> Ending:
        try:
            ending = self._ray.get(task)
        except self._ray.exceptions.RayError as error:
            return Ending(code=None, words=_first_line(error))
        assert isinstance(ending, Ending)
        return ending

    def _dismiss(self, crew: Mapping[str, Reference]) -> None:
        tasks = list(crew.values())
        if not tasks:
            return
        for task in tasks:
            self._ray.cancel(task)
        # the task itself waits for its worker, and kills it when its time is up
        _, stuck = self._ray.wait(tasks, num_returns=len(tasks), timeout=GRACE_SECONDS + 5)
        for task in stuck:
            self._ray.cancel(task, force=True)


def _require_answer(address: str) -> None:
    """Raise `UserError` where nobody listens, for which Ray alone would wait many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS).close()
    except (OSError, ValueError) as error:
        raise UserError(f"Ray at {address!r} cannot be reached: {_first_line(error)}.") from None


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")


def _resources(order: WorkerOrder) -> dict[str, float]:
    """What Ray keeps free for each worker, by Ray's names."""
    found: dict[str, float] = {"CPU": order.cores}
    if order.gpus:
        found["GPU"] = order.gpus
    if order.memory is not None:
        found["memory"] = order.memory
    return found


def _work(argv: list[str], environment: dict[str, str], output: str) -> Ending:
    """The task: one worker, from start to end, on whatever node it is."""
    return run(argv, environment=environment, output=Path(output))
