from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn

from dse.architecture.catalog import find_architecture
from dse.errors import UserError
from dse.network import build
from dse.training.optimizer import make_optimizer, set_learning_rate
from dse.training.recipe import Optimizer, Recipe


def small(name: str) -> nn.Module:
    """A network of the catalog with one block a stage and narrow."""
    widths = (64, 128, 256, 512) if name.startswith("resnet") else (8, 16, 24, 32)
    architecture = find_architecture(name)
    return build(dataclasses.replace(architecture, depths=(1, 1, 1, 1), dims=widths), classes=10)


@pytest.mark.parametrize("name", ["convnext_tiny", "convnextv2_atto", "resnet50"])
def test_kernels_and_matrices_are_decayed_and_nothing_else(name: str) -> None:
    network = small(name)
    kernels = {
        id(layer.weight) for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)
    }
    published = {  # ConvNeXt's own rule
        id(parameter)
        for key, parameter in network.named_parameters()
        if not (len(parameter.shape) == 1 or key.endswith(".bias"))
    }
    optimizer = make_optimizer(network, Recipe())
    decay = {id(p): g["weight_decay"] for g in optimizer.param_groups for p in g["params"]}
    assert len(decay) == len(list(network.parameters()))
    assert set(decay.values()) == {0, 0.05}
    assert {key for key, value in decay.items() if value} == kernels == published


def test_the_default_is_adamw_with_the_published_values() -> None:
    optimizer = make_optimizer(nn.Linear(2, 2), Recipe())
    assert type(optimizer) is torch.optim.AdamW
    assert optimizer.defaults["betas"] == (0.9, 0.999)
    assert optimizer.defaults["eps"] == 1e-8
    assert {group["lr"] for group in optimizer.param_groups} == {4e-3}
    set_learning_rate(optimizer, 1e-4)
    assert {group["lr"] for group in optimizer.param_groups} == {1e-4}


@pytest.mark.parametrize("name", ["sgd", "lamb", "lion", "nadamw", "rmsproptf"])
def test_timms_other_optimizers_make_a_step(name: str) -> None:
    torch.manual_seed(0)
    network = nn.Linear(3, 2)
    before = network.weight.detach().clone()
    optimizer = make_optimizer(network, Recipe(optimizer=Optimizer(name=name)))
    network(torch.ones(1, 3)).square().sum().backward()
    optimizer.step()
    assert not torch.equal(network.weight, before)


def test_a_momentum_reaches_the_optimizer() -> None:
    recipe = Recipe(optimizer=Optimizer(name="sgd", momentum=0.8))
    assert make_optimizer(nn.Linear(2, 2), recipe).defaults["momentum"] == 0.8


@pytest.mark.parametrize(
    ("optimizer", "sentence"),
    [
        (Optimizer(name="adamv"), "timm has no such optimizer; near are .*adam"),
        (Optimizer(name="adamw", momentum=0.9), "optimizer.momentum: adamw has none"),
    ],
)
def test_what_timm_cannot_make_is_told_in_a_sentence(optimizer: Optimizer, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        make_optimizer(nn.Linear(2, 2), Recipe(optimizer=optimizer))
