"""Which launcher, and what it is to start, as `dse run` is asked."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from dse.errors import UserError
from dse.proxy.device import default_workers, pick_device
from dse.store.store import Store
from dse.study.launch.base import Launcher, WorkerOrder
from dse.units import parse_quantity

Kind = Literal["local", "ray", "slurm"]
IDLE_SECONDS: Final = 3600.0
"""So long a run's workers wait for more work, which the run gives them, or ends them."""
LEAST_MEMORY: Final = 2**28
LOCAL_BEAT: Final = 1.0
"""Seconds between signs of life of workers whose steps a person watches."""


@dataclass(frozen=True, kw_only=True)
class Launching:
    """How a run's workers are started.

    Attributes:
        launcher: what starts them.
        workers: how many; None is as many as this machine should have.
        device: cpu, cuda, cuda:1, or auto.
        gpu_share: of a GPU for each worker, 0 for none; None is a whole one on this machine if it
            has one, and none with other launchers.
        cores: CPU cores and threads for each.
        memory: the most that each may hold, such as 8GB.
        ray: address of the Ray cluster, or `local`.
        slurm: `key=value` pairs and YAML files, see `slurm_options`.
        scorer: MODULE:FUNCTION instead of the proxy's training.
    """

    launcher: Kind = "local"
    workers: int | None = None
    device: str = "auto"
    gpu_share: float | None = None
    cores: int = 1
    memory: str | None = None
    ray: str = "local"
    slurm: tuple[str, ...] = ()
    scorer: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be meant, with a `UserError`."""
        if self.ray != "local" and self.launcher != "ray":
            raise UserError(f"--ray {self.ray}: is for --launcher ray, not {self.launcher}.")
        if self.slurm and self.launcher != "slurm":
            raise UserError(
                f"--slurm {self.slurm[0]}: is for --launcher slurm, not {self.launcher}."
            )
        if self.gpu_share and self.device == "cpu":
            raise UserError(f"--gpu-share {self.gpu_share:g}: --device cpu has no GPU to share.")
        if self.bytes is not None and self.bytes < LEAST_MEMORY:
            raise UserError(f"--memory {self.memory}: a worker needs 256MiB at least.")

    @property
    def bytes(self) -> int | None:
        """The most memory of each, in bytes."""
        return None if self.memory is None else int(parse_quantity(self.memory, "memory"))

    @property
    def is_local(self) -> bool:
        """Whether the workers are processes of this machine alone."""
        return self.launcher == "local"

    @property
    def _is_here(self) -> bool:
        return self.is_local or (self.launcher == "ray" and self.ray == "local")

    @property
    def count(self) -> int:
        """How many workers."""
        return self.workers or (default_workers(pick_device()) if self.is_local else 1)

    @property
    def gpus(self) -> float:
        """The share of a GPU for each worker."""
        if self.gpu_share is not None:
            return self.gpu_share
        on_gpu = self.is_local and self.device != "cpu" and pick_device().type == "cuda"
        return 1.0 if on_gpu else 0.0

    def make(self) -> Launcher[Any]:
        """The launcher.

        Raises:
            UserError: its engine is not installed, or an option is wrong.
        """
        match self.launcher:
            case "local":
                from dse.study.launch.processes import LocalProcesses

                return LocalProcesses()
            case "ray":
                from dse.study.launch.ray import RayWorkers

                return RayWorkers(self.ray)
            case "slurm":
                from dse.study.launch.slurm import SlurmJobs
                from dse.study.launch.slurm_options import slurm_options

                return SlurmJobs(slurm_options(self.slurm))

    def order(self, store: Store, run: str, logs: Path) -> WorkerOrder:
        """Workers of a run for the study that `store` means.

        Raises:
            UserError: an option is wrong, or the workers cannot reach the store.
        """
        if store.target.path is not None and not self._is_here:
            raise UserError(
                f"--launcher {self.launcher}: workers on several machines need a server as their "
                "store: give --store postgresql://USER@HOST/DATABASE."
            )
        words = [sys.executable, "-m", "dse", "worker", "--run", run]
        words += ["--study", store.existing_study().name, "--linger", f"{IDLE_SECONDS:g}"]
        if store.checkpoints is not None:
            words += ["--checkpoints", str(store.checkpoints.absolute())]
        words += ["--beat", f"{LOCAL_BEAT:g}"] if self.is_local else []
        words += ["--scorer", self.scorer] if self.scorer else []
        return WorkerOrder(
            command=tuple(words),
            count=self.count,
            logs=logs.absolute(),
            device="cuda" if self.gpus and self.device == "auto" else self.device,
            cores=self.cores,
            gpus=self.gpus,
            memory=self.bytes,
            secrets={"DSE_STORE": store.target.location},
        )


def new_run() -> str:
    """A name for a run that no other one has."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
