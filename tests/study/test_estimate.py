from __future__ import annotations

import gc
import weakref

import pytest
import torch
from torch import nn

from dse.architecture import Architecture
from dse.proxy.datasets import FractalSpec
from dse.proxy.device_data import DeviceData
from dse.proxy.recipe import Proxy, Recipe
from dse.study import estimate

CPU = torch.device("cpu")
PROXY = Proxy(
    dataset=FractalSpec(classes=2, train_per_class=16, test_per_class=2),
    epochs=2,
    recipe=Recipe(batch_size=8),
)
TINY = Architecture(depths=(1,), dims=(8,), kernel_sizes=(3,))


class Breaks(nn.Module):
    """A network that cannot be trained."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.linear = nn.Linear(1, 2)
        self.error = error

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise self.error


def test_a_training_takes_time() -> None:
    threads = torch.get_num_threads()
    seconds = estimate.seconds_per_training([TINY], PROXY, CPU)
    assert seconds is not None
    assert 0 < seconds < 60
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("error", [ValueError("batch norm"), RuntimeError("out of memory")])
def test_a_network_that_cannot_be_trained_has_no_estimate(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(estimate, "build", lambda *_, **__: Breaks(error))
    assert estimate.seconds_per_training([TINY, TINY], PROXY, CPU) is None


def test_one_network_that_can_be_trained_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = estimate.build, iter((True, False))

    def build(*arguments: object, **options: object) -> nn.Module:
        return Breaks(ValueError()) if next(calls) else real(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(estimate, "build", build)
    assert estimate.seconds_per_training([TINY, TINY], PROXY, CPU) is not None


def test_on_a_gpu_the_memory_is_given_back_once_nothing_holds_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held: list[weakref.ref[DeviceData]] = []
    freed: list[bool] = []

    def make(dataset: object, device: torch.device) -> DeviceData:
        data = DeviceData(dataset, CPU)  # type: ignore[arg-type]
        held.append(weakref.ref(data))
        return data

    def empty() -> None:
        gc.collect()
        freed.append(held[0]() is None)

    monkeypatch.setattr(estimate, "DeviceData", make)
    monkeypatch.setattr(torch.cuda, "empty_cache", empty)
    assert estimate.seconds_per_training([TINY], PROXY, torch.device("cuda")) is not None
    assert freed == [True]
