from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from dse.proxy.datasets import Dataset, FractalSpec
from dse.proxy.device_data import DeviceData
from dse.proxy.recipe import Proxy, Recipe
from dse.proxy.trainer import TrainResult, adamw, learning_rate, train

CPU = torch.device("cpu")
SPEC = FractalSpec(classes=3, train_per_class=40, test_per_class=20)
PROXY = Proxy(
    dataset=SPEC,
    resolution=16,
    epochs=4,
    recipe=Recipe(batch_size=16, learning_rate=0.02),
)


@pytest.fixture(scope="module")
def data() -> DeviceData:
    """Stripes that lie, stand or cross, in noise: 40 and 20 images of each."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    stripes = np.tile([[1], [0]], (8, 16))
    patterns = np.stack([stripes, stripes.T, stripes ^ stripes.T])

    def images(count: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        labels = np.tile(np.arange(3), count)
        noisy = 60 * patterns[labels] + rng.integers(0, 190, (3 * count, 16, 16))
        return noisy[:, None].astype(np.uint8), labels

    train_images, train_labels = images(SPEC.train_per_class)
    test_images, test_labels = images(SPEC.test_per_class)
    return DeviceData(
        Dataset(
            train_images=train_images,
            train_labels=train_labels,
            test_images=test_images,
            test_labels=test_labels,
            classes=3,
        ),
        CPU,
    )


def network(seed: int = 0, dropout: float = 0.2) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 16, 4, 4),
        nn.BatchNorm2d(16),
        nn.Conv2d(16, 16, 5, padding=2, groups=16),
        nn.Conv2d(16, 32, 1),
        nn.GELU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.Linear(32, 3),
    )


def trained(data: DeviceData, seed: int = 0, model: nn.Module | None = None) -> TrainResult:
    return train(model or network(), data, PROXY, seed=seed, device=CPU)


def test_a_network_learns(data: DeviceData) -> None:
    result = trained(data)
    assert result.state == "complete"
    assert result.reason is None
    assert result.error is not None
    assert result.error < 0.3  # chance is 0.67
    losses = [epoch.train_loss for epoch in result.epochs]
    assert losses[-1] < losses[0]


def test_results_are_those_of_the_final_epoch(data: DeviceData) -> None:
    result = trained(data)
    assert [epoch.epoch for epoch in result.epochs] == [1, 2, 3, 4]
    assert [epoch.step for epoch in result.epochs] == [7, 14, 21, 28]
    assert (result.error, result.train_loss) == (
        result.epochs[-1].error,
        result.epochs[-1].train_loss,
    )
    assert result.test_images == 60
    assert result.device == "cpu"
    assert result.dtype in {"float32", "bfloat16"}
    assert result.seconds > 0
    assert result.cpu_seconds > 0


def test_the_same_seed_gives_the_same_result_whatever_ran_before(data: DeviceData) -> None:
    first = trained(data, seed=3)
    torch.rand(5)
    trained(data, seed=4, model=network(seed=9))
    second = trained(data, seed=3)
    assert second.epochs == first.epochs
    assert trained(data, seed=4).epochs != first.epochs


def test_the_global_random_state_is_left_alone(data: DeviceData) -> None:
    model = network()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    trained(data, model=model)
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)


def test_only_the_asked_number_of_training_images_is_used(data: DeviceData) -> None:
    proxy = PROXY.model_copy(update={"train_images": 48})
    result = train(network(), data, proxy, seed=0, device=CPU)
    assert result.epochs[-1].step == 4 * 3


def test_progress_is_told_every_few_steps(data: DeviceData) -> None:
    seen: list[tuple[int, int, float]] = []
    silent = trained(data)
    told = train(
        network(), data, PROXY, seed=0, device=CPU, on_step=lambda *step: seen.append(step)
    )
    assert [step for step, _, _ in seen] == [7, 10, 14, 20, 21, 28]
    assert {steps for _, steps, _ in seen} == {28}
    assert all(0 < loss < 5 for _, _, loss in seen)
    assert told.epochs == silent.epochs


class NotANumberAfter(nn.Module):
    """Breaks at a given forward pass."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.left = calls
        self.inner = network()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.left -= 1
        y: torch.Tensor = self.inner(x)
        return y * math.nan if self.left < 0 else y


@pytest.mark.parametrize(("calls", "step", "epochs"), [(0, 1, 0), (4, 5, 0), (9, 9, 1)])
def test_a_loss_that_is_not_a_number_is_a_state_that_names_the_step(
    data: DeviceData, calls: int, step: int, epochs: int
) -> None:
    result = trained(data, model=NotANumberAfter(calls))
    assert result.state == "diverged"
    assert result.reason == f"the training loss became nan at step {step} of 28"
    assert result.error is None
    assert result.train_loss is None
    assert len(result.epochs) == epochs


def test_outputs_that_are_not_finite_in_evaluation_are_divergence(data: DeviceData) -> None:
    result = trained(data, model=NotANumberAfter(7))
    assert result.state == "diverged"
    assert result.reason == "outputs were not finite after step 7 of 28"


class Greedy(nn.Module):
    """Asks for a petabyte."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(1, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        torch.empty(2**50, dtype=torch.uint8)
        raise AssertionError("this machine has a petabyte")


def test_running_out_of_memory_is_a_state(data: DeviceData) -> None:
    result = trained(data, model=Greedy())
    assert result.state == "out_of_memory"
    assert result.reason
    assert "memory" in result.reason
    assert "\n" not in result.reason
    assert result.error is None


def test_a_programming_error_is_raised(data: DeviceData) -> None:
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        trained(data, model=nn.Linear(5, 3))


def test_the_learning_rate_warms_up_to_its_peak_and_falls_to_the_end() -> None:
    recipe = Recipe(learning_rate=1.0, final_learning_rate=0.01, warmup=0.2)
    rates = [learning_rate(recipe, step, 50) for step in range(50)]
    peak = rates.index(max(rates))
    assert peak == 10
    assert max(rates) == pytest.approx(1)
    assert 0 < rates[0] < 0.1
    assert rates[:11] == sorted(rates[:11])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0.01 < rates[-1] < 0.02


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("warmup", [0.0, 0.5, 1.0])
def test_even_the_shortest_schedules_have_a_rate(steps: int, warmup: float) -> None:
    recipe = Recipe(warmup=warmup)
    rates = [learning_rate(recipe, step, steps) for step in range(steps)]
    assert all(0 < rate <= recipe.learning_rate for rate in rates)


def test_norms_and_biases_are_not_decayed() -> None:
    model = network()
    decay = {
        id(parameter): group["weight_decay"]
        for group in adamw(model, Recipe(weight_decay=0.3)).param_groups
        for parameter in group["params"]
    }
    for name, parameter in model.named_parameters():
        assert decay[id(parameter)] == (0.3 if parameter.ndim > 1 else 0.0), name
