"""The work that is measured: inference of a batch, or one step of training on it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dse.network.measure.measurement import Setting

CLASSES = 1000


class Work(Protocol):
    """Something that can be done again and again."""

    def __call__(self) -> None:
        """Do it once."""

    def tensors(self) -> Iterator[Tensor]:
        """What stays in memory between two times."""


class Inference:
    """The forward pass of a copy of a network, in evaluation mode, on random images."""

    def __init__(self, network: nn.Module, setting: Setting, batch: int) -> None:
        self.network = _placed(network, setting).to(setting.dtype).eval()
        self.images = _images(setting, batch).to(setting.dtype)

    @torch.inference_mode()
    def __call__(self) -> None:
        """Compute the logits."""
        self.network(self.images)

    def tensors(self) -> Iterator[Tensor]:
        """Weights and images."""
        yield from (*self.network.parameters(), *self.network.buffers(), self.images)


class TrainingStep:
    """Forward, cross-entropy, backward and fused AdamW of a copy of a network, in plain torch.

    The learning rate is 0: the arithmetic is that of every step, but weights stay finite however
    often it is done.
    """

    def __init__(self, network: nn.Module, setting: Setting, batch: int) -> None:
        self.network = _placed(network, setting).train()
        self.images = _images(setting, batch)
        self.labels = torch.arange(batch, device=setting.device) % CLASSES
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=0.0, fused=True)
        low = setting.dtype != torch.float32
        self.autocast = torch.autocast(setting.device.type, dtype=setting.dtype, enabled=low)

    def __call__(self) -> None:
        """Take the step."""
        self.optimizer.zero_grad(set_to_none=True)
        with self.autocast:
            logits = self.network(self.images)
        F.cross_entropy(logits.float(), self.labels).backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()

    def tensors(self) -> Iterator[Tensor]:
        """Weights, gradients, what the optimizer keeps, and images."""
        yield from (*self.network.buffers(), self.images, self.labels)
        for parameter in self.network.parameters():
            yield parameter
            if parameter.grad is not None:
                yield parameter.grad
            yield from self.optimizer.state[parameter].values()


def work_for(name: str, network: nn.Module, setting: Setting) -> Work:
    """The work behind `latency`, `throughput_training`, ..., on a copy of `network`."""
    kind = TrainingStep if name.endswith("_training") else Inference
    return kind(network, setting, setting.images(name))


def _placed(network: nn.Module, setting: Setting) -> nn.Module:
    placed: nn.Module = copy.deepcopy(network).to(
        device=setting.device,
        memory_format=setting.memory_format,  # type: ignore[call-overload]
    )
    return placed


def _images(setting: Setting, batch: int) -> Tensor:
    # Not zeros, which cost a GPU less power and so less time.
    size = (batch, 3, setting.resolution, setting.resolution)
    images = torch.randn(size, generator=torch.Generator().manual_seed(0))
    return images.to(setting.device).contiguous(memory_format=setting.memory_format)
