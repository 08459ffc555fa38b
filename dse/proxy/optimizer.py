"""What turns gradients into weights: AdamW, SGD, and an average of the weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from dse.proxy.recipe import Recipe

Number = float | Tensor
"""A number that changes from step to step: in a captured step a tensor that stays in its place."""


def make_optimizer(
    model: nn.Module, recipe: Recipe, rate: float, *, captured: bool = False
) -> torch.optim.Optimizer:
    """The recipe's optimizer; it decays matrices and kernels, no 1-D parameters.

    AdamW decouples the decay from the gradient (Loshchilov & Hutter 2019), SGD adds it to it, and
    has Nesterov's momentum (Sutskever et al. 2013). With `captured` its learning rate is a tensor.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    optimizer: torch.optim.Optimizer
    if recipe.optimizer == "sgd":
        optimizer = torch.optim.SGD(
            groups, lr=rate, momentum=recipe.momentum, nesterov=True, fused=True
        )
    else:
        optimizer = torch.optim.AdamW(groups, lr=rate, betas=recipe.betas, fused=True)
    if captured:
        number = torch.full((), rate, device=parameters[0].device)
        for group in optimizer.param_groups:
            group["lr"] = number
    return optimizer


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give all parameters this learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = _set(group["lr"], rate)


def load_state(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Go on from a `state` that was kept, on this device and with the same kind of rate."""
    own = [group["lr"] for group in optimizer.param_groups]
    optimizer.load_state_dict(state)
    for group, number in zip(optimizer.param_groups, own, strict=True):
        group["lr"] = number  # the next step sets it; what was kept may lie on another device


@contextmanager
def capturable(optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """Within this context the optimizer agrees to be captured: all it needs is on the device."""
    groups = [group for group in optimizer.param_groups if "capturable" in group]
    for group in groups:
        group["capturable"] = True
    try:
        yield
    finally:
        for group in groups:
            group["capturable"] = False


def _set(number: Number, value: float) -> Number:
    return number.fill_(value) if isinstance(number, Tensor) else value


class WeightAverage:
    """An exponential moving average of a network's parameters and buffers (Polyak & Juditsky 1992).

    In step t the decay is min(decay, (1 + t) / (10 + t)), so that a short training forgets its
    random beginning.
    """

    def __init__(self, model: nn.Module, decay: float, *, captured: bool = False) -> None:
        self.decay = decay
        self.live = dict(model.state_dict(keep_vars=False))
        self.average = {name: tensor.clone() for name, tensor in self.live.items()}
        floats = [name for name, tensor in self.live.items() if tensor.is_floating_point()]
        self._pairs = [(self.average[name], self.live[name]) for name in floats]
        device = self._pairs[0][0].device
        self._weight: Number = torch.zeros((), device=device) if captured else 0.0

    def prepare(self, step: int) -> None:
        """Say that step 0, 1, ... is the next whose weights are taken in."""
        self._weight = _set(self._weight, 1 - min(self.decay, (1 + step) / (10 + step)))

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights after the step that was prepared."""
        averages, lives = (list(tensors) for tensors in zip(*self._pairs, strict=True))
        if isinstance(self._weight, Tensor):  # for which there is no joint lerp
            apart = torch._foreach_sub(lives, averages)
            torch._foreach_mul_(apart, self._weight)
            torch._foreach_add_(averages, apart)
        else:
            torch._foreach_lerp_(averages, lives, self._weight)

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
