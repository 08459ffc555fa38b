"""One step of a full training: a batch in micro-batches, over all processes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from dse.errors import UserError
from dse.network.timm_model import timm_module
from dse.proxy.convolution import fast_convolution
from dse.proxy.failures import is_out_of_memory
from dse.training.distributed import Group
from dse.training.mixing import mix
from dse.training.optimizer import make_optimizer, set_learning_rate
from dse.training.recipe import Recipe

REHEARSED: Final = 2  # steps: only the second has the optimizer's state in memory

LATE: Final = (
    "out of memory in a step that had fitted before: the same command with half the --micro-batch "
    "goes on from the newest checkpoint."
)


class NoMemoryError(Exception):
    """The micro-batch does not fit into memory; no weight has changed."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Images that a process computes at once: (n, c, h, w), classes (n,), n even.

    `first` is the place of its first image in the step's batch.
    """

    first: int
    images: Tensor
    labels: Tensor


class TrainingStep:
    """What a step does to `network`: gradients over all processes, optimizer, averaged weights.

    The gradient is that of the mean over the whole batch, whatever the number of processes and of
    micro-batches. Batch norm takes the statistics of a micro-batch; its running ones are each
    process's own, and `unite` gives all those of process 0, as ConvNeXt's published code has it.

    Where several processes work, one that runs out of memory while gradients are summed would leave
    the others waiting. So a process's first steps are rehearsed: computed apart, agreed on, and
    thrown away; and then once together, after which DDP has put its buckets into their last order.
    """

    def __init__(self, network: nn.Module, recipe: Recipe, group: Group, *, classes: int) -> None:
        self.network, self.recipe, self.group, self.classes = network, recipe, group, classes
        self.optimizer = make_optimizer(network, recipe)
        self.average: nn.Module | None = None
        if recipe.ema is not None:
            ema = timm_module("timm.utils").ModelEmaV3
            self.average = ema(network, decay=recipe.ema)
        if recipe.compile:
            network.compile()
        self._together: nn.Module = network
        if group.world > 1:
            with warnings.catch_warnings():
                # the name of torch 2.6, which newer versions take for an old one
                warnings.simplefilter("ignore", FutureWarning)
                self._together = DistributedDataParallel(network, broadcast_buffers=False)
        self._left_to_rehearse = REHEARSED if group.world > 1 else 0

    @property
    def evaluated(self) -> nn.Module:
        """The network that counts: with averaged weights where the recipe asks for them."""
        return self.network if self.average is None else self.average.module  # type: ignore[return-value]

    def __call__(self, pieces: Sequence[Piece], *, rate: float, epoch: int, step: int) -> Tensor:
        """Do a step; this process's part of the mean loss of the batch, a scalar on the device.

        Args:
            pieces: this process's share of the batch.
            rate: learning rate.
            epoch: from 0.
            step: of the epoch, from 0.

        Raises:
            NoMemoryError: in all processes; the step may be done again with smaller pieces.
            UserError: it fitted before, and can no longer be done again together.
        """
        self.network.train()
        if self._left_to_rehearse:
            self._rehearse(pieces[0], epoch, step)
            self._left_to_rehearse -= 1
        buffers = [buffer.clone() for buffer in self.network.buffers()]
        loss = None
        try:
            loss = self._gradients(pieces, epoch, step)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            if self.group.world > 1:
                raise UserError(LATE) from None
        if loss is None:  # outside, where the error no longer holds what was computed
            self._undo(buffers)
            raise NoMemoryError
        clip = self.recipe.optimizer.clip_gradient
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), clip)
        set_learning_rate(self.optimizer, rate)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.average is not None:
            self.average.update(self.network)  # type: ignore[operator]
        return loss

    @contextmanager
    def quick(self) -> Iterator[None]:
        """Within this context a CPU convolves faster, with results that differ by rounding only."""
        with ExitStack() as stack:
            if self.group.device.type == "cpu" and not self.recipe.compile:
                for network in {self.network, self.evaluated}:
                    stack.enter_context(fast_convolution(network))
            yield

    def unite(self) -> None:
        """Give all processes the running statistics of process 0."""
        self.group.copy_first(self.network.buffers())
        if self.average is not None:
            self.group.copy_first(self.average.buffers())

    def _gradients(self, pieces: Sequence[Piece], epoch: int, step: int) -> Tensor:
        """Leave the gradient with the parameters; only the last piece sums over processes."""
        seed_torch(self.recipe.seed, epoch, step, self.group.rank)
        total = torch.zeros((), device=self.group.device)
        for piece in pieces[:-1]:
            with self._apart():
                total += self._piece(piece, epoch, step)
        return total + self._piece(pieces[-1], epoch, step)

    def _piece(self, piece: Piece, epoch: int, step: int) -> Tensor:
        device, recipe = self.group.device, self.recipe
        images, labels = mix(
            piece.images.to(device, non_blocking=True),
            piece.labels.to(device, non_blocking=True),
            recipe,
            classes=self.classes,
            epoch=epoch,
            step=step,
            first=piece.first,
        )
        with autocast(recipe, device):
            logits = self._together(in_layout(images, recipe))
        loss = F.cross_entropy(logits.float(), labels, reduction="sum") / recipe.batch_size
        (loss * self.group.world).backward()  # type: ignore[no-untyped-call]  # DDP takes the mean
        return loss.detach()

    def _apart(self) -> AbstractContextManager[None]:
        """Within this context gradients stay with this process."""
        together = self._together
        return (
            together.no_sync() if isinstance(together, DistributedDataParallel) else nullcontext()
        )

    def _rehearse(self, piece: Piece, epoch: int, step: int) -> None:
        buffers = [buffer.clone() for buffer in self.network.buffers()]
        short = False
        try:
            with self._apart():
                self._piece(piece, epoch, step)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            short = True
        self._undo(buffers)
        if self.group.any(short)[0]:
            raise NoMemoryError
        if self._left_to_rehearse == REHEARSED:
            self._piece(piece, epoch, step)
            self._undo(buffers)

    @torch.no_grad()
    def _undo(self, buffers: Sequence[Tensor]) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        for buffer, kept in zip(self.network.buffers(), buffers, strict=True):
            buffer.copy_(kept)

    def state(self) -> dict[str, Any]:
        """All that the next step depends on, as tensors and plain values."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": None if self.average is None else self.average.module.state_dict(),  # type: ignore[union-attr]
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on where another process was when it gave its `state`."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.average is not None:
            self.average.module.load_state_dict(state["average"])  # type: ignore[union-attr]


def autocast(recipe: Recipe, device: torch.device) -> torch.autocast:
    """The recipe's arithmetic, as a context."""
    return torch.autocast(device.type, torch.bfloat16, enabled=recipe.precision == "bf16")


def in_layout(images: Tensor, recipe: Recipe) -> Tensor:
    """Images (n, c, h, w) in the recipe's memory format."""
    return images.contiguous(memory_format=torch.channels_last) if recipe.channels_last else images


def seed_torch(*key: int) -> None:
    """Let torch's generators, of all devices, start from `key`."""
    torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1)[0]))


@contextmanager
def arithmetic(recipe: Recipe, device: torch.device) -> Iterator[None]:
    """Within this context fp32 is no TF32, and torch's generators are the training's own."""
    if device.type != "cuda":
        with torch.random.fork_rng([]):
            yield
        return
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    tf32 = recipe.precision != "fp32"
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = tf32, tf32
    try:
        with torch.random.fork_rng([device]):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before
