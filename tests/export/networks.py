"""The networks that every form of an export is tested with."""

from __future__ import annotations

import functools

import torch

from dse.architecture import Architecture
from dse.architecture.catalog import CATALOG
from dse.space import Budget, Sampler, load_space
from tests.spaces import CONVNEXT_FILE

NAMED = ("convnext_tiny", "convnextv2_atto", "resnet50", "convnext_isotropic_small")
RANDOM = tuple(f"random {number}" for number in range(10))
CLASSES = 10


@functools.cache
def _drawn() -> tuple[Architecture, ...]:
    """Networks of the space with the most free choices, with a quarter of their channels."""
    sampler = Sampler(space=load_space(str(CONVNEXT_FILE)), budget=Budget.parse("4.5GFLOPs"))
    return tuple(sample.architecture.scaled(0.25) for sample in sampler.samples(len(RANDOM)))


def network(name: str) -> Architecture:
    """A named network as it is, or a random one."""
    return _drawn()[RANDOM.index(name)] if name in RANDOM else CATALOG[name]


def randomise(module: torch.nn.Module) -> None:
    """Weights, biases and statistics that all matter to the logits."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        for key, buffer in module.named_buffers():
            if "running" in key:
                buffer.add_(torch.rand_like(buffer))


def images(count: int = 2, size: int = 64) -> torch.Tensor:
    """Random ones."""
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(1))
