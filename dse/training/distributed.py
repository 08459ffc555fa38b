"""The processes that train one network together, as torchrun starts them, or this one alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from dse.errors import UserError
from dse.proxy.device import pick_device

Value = TypeVar("Value")
_VARIABLES: Final = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True, kw_only=True)
class Group:
    """This process among the others.

    What processes agree on goes over the CPU (gloo), so that no GPU is waited for; gradients go
    over nccl where there are GPUs.

    Attributes:
        rank: its number, from 0.
        world: how many there are.
        device: where this process computes.
    """

    rank: int = 0
    world: int = 1
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this process is the one that prints and writes."""
        return self.rank == 0

    def any(self, *flags: bool) -> list[bool]:
        """For each flag whether any process has it set."""
        if self.world == 1:
            return list(flags)
        told = torch.tensor(flags, dtype=torch.int32)
        dist.all_reduce(told, dist.ReduceOp.MAX)
        return [bool(flag) for flag in told.tolist()]

    def sums(self, numbers: Sequence[float]) -> list[float]:
        """For each number its sum over all processes, in float64."""
        if self.world == 1 or not numbers:
            return [float(number) for number in numbers]
        told = torch.tensor(numbers, dtype=torch.float64)
        dist.all_reduce(told)
        summed: list[float] = told.tolist()
        return summed

    def first(self, value: Value) -> Value:
        """What process 0 has, which every process then has; pickled between our own processes."""
        if self.world == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0, device=torch.device("cpu"))
        return box[0]

    def copy_first(self, tensors: Iterable[Tensor]) -> None:
        """Overwrite tensors, wherever they lie, by those of process 0."""
        if self.world > 1:
            for tensor in tensors:
                dist.broadcast(tensor, src=0)

    def together(self, work: Callable[[], Value]) -> Value:
        """Do `work` in every process, or in none: a mistake of one is told once, and ends all.

        Raises:
            UserError: in process 0, with the sentence of the first process that met a mistake.
            SystemExit: in the others.
        """
        sentence, result = None, None
        try:
            result = work()
        except UserError as error:
            sentence = str(error)
        sentences: list[str | None] = [sentence]
        if self.world > 1:
            sentences = [None] * self.world
            dist.all_gather_object(sentences, sentence)
        first = next((told for told in sentences if told is not None), None)
        if first is None:
            return result  # type: ignore[return-value]
        if self.leads:
            raise UserError(first)
        raise SystemExit(2)


@contextmanager
def joined() -> Iterator[Group]:
    """This process's group within the context: torchrun's by its environment, or itself alone.

    Raises:
        UserError: there are fewer GPUs than processes on this machine.
    """
    if not all(name in os.environ for name in _VARIABLES):
        yield Group(device=pick_device())
        return
    rank, world, local = (int(os.environ[name]) for name in _VARIABLES[:3])
    device = pick_device()
    if device.type == "cuda":
        if local >= torch.cuda.device_count():
            raise UserError(
                f"torchrun started process {local} of this machine, which has "
                f"{torch.cuda.device_count()} GPUs: start one process a GPU."
            )
        device = torch.device("cuda", local)
        torch.cuda.set_device(device)
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    try:
        yield Group(rank=rank, world=world, device=device)
    finally:
        dist.destroy_process_group()
