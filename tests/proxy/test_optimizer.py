from __future__ import annotations

import pytest
import torch
from torch import nn

from dse.proxy.optimizer import WeightAverage, make_optimizer
from dse.proxy.recipe import Recipe
from tests.proxy.small import network


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_norms_and_biases_are_not_decayed(optimizer: str) -> None:
    model = network()
    recipe = Recipe.model_validate({"weight_decay": 0.3, "optimizer": optimizer})
    decay = {
        id(parameter): group["weight_decay"]
        for group in make_optimizer(model, recipe, 0.1).param_groups
        for parameter in group["params"]
    }
    for name, parameter in model.named_parameters():
        assert decay[id(parameter)] == (0.3 if parameter.ndim > 1 else 0.0), name


def test_the_average_moves_towards_the_weights_and_is_only_lent() -> None:
    model = nn.BatchNorm1d(2)
    average = WeightAverage(model, decay=0.5)
    nn.init.constant_(model.weight, 3.0)
    model.running_mean.fill_(2.0)  # type: ignore[union-attr, operator]
    for step in range(20, 22):  # 1/2 and 1/2 of the way
        average.prepare(step)
        average.update()
    with average.applied():
        torch.testing.assert_close(model.weight.data, torch.full((2,), 2.5))
        torch.testing.assert_close(model.running_mean, torch.full((2,), 1.5))
    torch.testing.assert_close(model.weight.data, torch.full((2,), 3.0))
    with average.applied():
        torch.testing.assert_close(model.weight.data, torch.full((2,), 2.5))


def test_an_average_forgets_its_random_beginning_at_once() -> None:
    model = nn.Linear(2, 2)
    average = WeightAverage(model, decay=0.9999)
    nn.init.constant_(model.weight, 3.0)
    average.prepare(0)  # the decay is 1/10
    average.update()
    assert (average.average["weight"] > 2.5).all()
