"""What the two halves of proxy_speed.py share: the networks, and a tutorial's data and schedule."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import Dataset

from dse.architecture import Architecture
from dse.network import build
from dse.proxy.recipe import Proxy
from dse.space import Budget, DesignSpace, Sampler, load_space

SPACE = Path(__file__).parents[1] / "spaces" / "convnext_space.yaml"
Times = dict[str, float]


def survey(networks: int) -> tuple[DesignSpace, list[Architecture]]:
    """The first networks of a survey of the shipped space at 4.5 GFLOPs."""
    space = load_space(SPACE)
    sampler = Sampler(space=space, budget=Budget.parse("4.5GFLOPs"))
    return space, [sample.architecture for sample in sampler.samples(networks)]


def made(architecture: Architecture, proxy: Proxy) -> nn.Module:
    """The network at the proxy's width, with weights from one seed."""
    torch.manual_seed(0)
    classes = proxy.dataset.classes
    return build(architecture.scaled(proxy.channels), in_channels=1, classes=classes)


class Images(Dataset[tuple[torch.Tensor, int]]):
    """Images as a tutorial's data set gives them: one at a time, as normalised floats."""

    def __init__(self, images: Any, labels: Any, mean: float, std: float) -> None:
        self.images, self.labels, self.mean, self.std = images, labels, mean, std

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, number: int) -> tuple[torch.Tensor, int]:
        image = torch.from_numpy(self.images[number]).float()
        return (image - self.mean) / self.std, int(self.labels[number])


def share_of_peak(proxy: Proxy) -> Callable[[int], float]:
    """The recipe's warm-up and half-cosine, for `LambdaLR`."""
    warmup = proxy.recipe.warmup * proxy.steps

    def share(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (proxy.steps - warmup)))

    return share
