"""timm's optimizers, with weight decay on matrices and kernels only."""

from __future__ import annotations

import difflib
from typing import Any, Final

import torch
from torch import nn

from dse.errors import UserError
from dse.network.timm_model import timm_module
from dse.training.recipe import Recipe

FUSED: Final = ("adam", "adamw", "sgd")
"""Those of PyTorch itself, which can update all parameters in one kernel."""


def make_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimizer at the peak of its learning rate; `set_learning_rate` changes it.

    Parameters of one dimension and biases are not decayed, as ConvNeXt's published code has it.
    Values that an optimizer does not know (betas of SGD) are left out, except a momentum.

    Raises:
        UserError: timm has no such optimizer, or it cannot be made here with these values.
    """
    asked, optim = recipe.optimizer, timm_module("timm.optim")
    names = optim.list_optimizers()
    if asked.name not in names:
        near = difflib.get_close_matches(asked.name, names, n=5, cutoff=0.3)
        hint = f"; near are {', '.join(near)}" if near else ""
        raise UserError(f"optimizer.name {asked.name!r}: timm has no such optimizer{hint}.")
    info = optim.get_optimizer_info(asked.name)
    if asked.momentum is not None and not info.has_momentum:
        raise UserError(f"optimizer.momentum: {asked.name} has none; leave it out.")
    options: dict[str, Any] = {"betas": asked.betas, "eps": asked.eps, "momentum": asked.momentum}
    options = {name: value for name, value in options.items() if value is not None}
    if asked.name in FUSED:
        options["fused"] = True
    try:
        made: torch.optim.Optimizer = optim.create_optimizer_v2(
            network,
            opt=asked.name,
            lr=recipe.schedule.learning_rate,
            weight_decay=asked.weight_decay,
            **options,
        )
    except (AssertionError, ImportError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise UserError(f"optimizer {asked.name!r}: cannot be made: {reason}.") from None
    return made


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give all parameters this learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate
