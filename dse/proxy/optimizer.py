"""What turns gradients into weights: AdamW, SGD, and an average of the weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from dse.proxy.recipe import Recipe


def make_optimizer(model: nn.Module, recipe: Recipe, rate: float) -> torch.optim.Optimizer:
    """The recipe's optimizer; it decays matrices and kernels, no 1-D parameters.

    AdamW decouples the decay from the gradient (Loshchilov & Hutter 2019), SGD adds it to it, and
    has Nesterov's momentum (Sutskever et al. 2013).
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=recipe.momentum, nesterov=True, fused=True)
    return torch.optim.AdamW(groups, lr=rate, betas=recipe.betas, fused=True)


class WeightAverage:
    """An exponential moving average of a network's parameters and buffers (Polyak & Juditsky 1992).

    In step t the decay is min(decay, (1 + t) / (10 + t)), so that a short training forgets its
    random beginning.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.live = dict(model.state_dict(keep_vars=False))
        self.average = {name: tensor.clone() for name, tensor in self.live.items()}
        floats = [name for name, tensor in self.live.items() if tensor.is_floating_point()]
        self._pairs = [(self.average[name], self.live[name]) for name in floats]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after step 0, 1, ..."""
        averages, lives = (list(tensors) for tensors in zip(*self._pairs, strict=True))
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(averages, lives, 1 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within this context the network has the averaged weights."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for average, live in self._pairs:
            kept = live.clone()
            live.copy_(average)
            average.copy_(kept)

    def load(self, average: dict[str, torch.Tensor]) -> None:
        """Go on from an `average` that was kept."""
        for name, tensor in self.average.items():
            tensor.copy_(average[name])
