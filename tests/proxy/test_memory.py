from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from dse.architecture import Architecture
from dse.network import build
from dse.network.measure.memory import LiveTensors
from dse.proxy import trainer
from dse.proxy.device_data import DeviceData
from dse.proxy.memory import fitting_parts, training_memory
from dse.proxy.step import TrainingStep
from dse.proxy.task import Task
from tests.proxy import small
from tests.proxy.small import network, proxy, task

ARCHITECTURES = {
    "layer norm": Architecture(depths=(2, 2), dims=(24, 48), kernel_sizes=(7, 7)),
    "batch norm": Architecture(
        depths=(1, 3), dims=(16, 64), kernel_sizes=(5, 3), norm_layer="batch_norm"
    ),
    "many weights": Architecture(depths=(1, 1), dims=(32, 256), kernel_sizes=(7, 7)),
}
RECIPES: list[dict[str, Any]] = [
    {"precision": "float32"},
    {"precision": "bfloat16", "micro_batch": 8, "ema": 0.9},
    {"precision": "bfloat16", "optimizer": "sgd"},
]


def prepared(data: DeviceData, name: str, recipe: dict[str, Any]) -> tuple[nn.Module, Task]:
    torch.manual_seed(0)
    asked = proxy(**recipe)
    dtype = getattr(torch, recipe["precision"])
    model = build(ARCHITECTURES[name], in_channels=1, classes=3)
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model, task(data, asked, dtype=dtype, parts=asked.recipe.parts)


def measured_peak(model: nn.Module, whole: Task) -> int:
    """Of the tensors that live during the second step."""
    step = TrainingStep(model.train(), whole, rate=1e-3, steps=2, captured=False)
    images = torch.randn(16, 1, 16, 16).contiguous(memory_format=torch.channels_last)
    labels = torch.zeros(16, dtype=torch.int64)
    step(images, labels)
    averages = step.average.average.values() if step.average else []
    states = [value for state in step.optimizer.state.values() for value in state.values()]
    step.optimizer.zero_grad()
    with LiveTensors() as live:
        live.note([*model.state_dict().values(), *states, *averages, images, labels])
        step(images, labels)
    return int(live.peak)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_estimate_is_near_the_peak_of_live_tensors(
    data: DeviceData, name: str, recipe: dict[str, Any]
) -> None:
    model, whole = prepared(data, name, recipe)
    estimate = training_memory(model, whole, 16 // whole.parts)
    assert 0.9 < estimate / measured_peak(model, whole) < 1.3


def test_an_estimate_leaves_model_and_random_state_as_they_were(data: DeviceData) -> None:
    model = network().eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    training_memory(model, task(data, proxy()), 8)
    assert torch.equal(torch.get_rng_state(), random)
    assert not model.training
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_batch_is_parted_no_more_than_it_plainly_has_to_be(data: DeviceData) -> None:
    model, whole = prepared(data, "layer norm", RECIPES[0])
    needs = {parts: training_memory(model, whole, 16 // parts) for parts in (1, 2, 4, 8)}
    assert fitting_parts(model, whole, needs[1]) == 1
    assert fitting_parts(model, whole, int(0.81 * needs[1])) == 1  # it may still fit
    for parts in (1, 2, 4):
        assert fitting_parts(model, whole, int(0.79 * needs[parts])) == 2 * parts
    assert fitting_parts(model, whole, 0) == 8  # two images each, and it will not fit


def test_a_training_starts_in_the_parts_that_it_plainly_needs(
    data: DeviceData, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = proxy(precision="float32")
    whole = training_memory(network(), task(data, given), 16)
    asked = small.trained(data, proxy(precision="float32", micro_batch=8))
    for share, same in ((0.79, True), (0.81, False)):
        monkeypatch.setattr(trainer, "free_memory", lambda device, share=share: int(share * whole))
        found = small.trained(data, given)
        assert (found.micro_batch == 8) is same
        assert (found.epochs == asked.epochs) is same
