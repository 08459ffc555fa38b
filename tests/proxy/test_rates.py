from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from dse.proxy.device_data import DeviceData
from dse.proxy.loop import Run
from dse.proxy.rates import lowest
from tests.proxy import small
from tests.proxy.small import network, proxy, task

RATES = np.geomspace(1e-4, 1e-1, 40)
CHOICE = {"best_of": [1e-5, 0.02]}


def curve(best: float) -> np.ndarray:
    """A loss that falls to its lowest at one rate and grows beyond."""
    return 2.0 + 0.05 * np.log(RATES / best) ** 2


@pytest.mark.parametrize("best", [1e-3, 3e-3, 1e-2])
def test_the_rate_is_where_the_loss_is_lowest(best: float) -> None:
    noise = np.random.default_rng(0).normal(0, 0.02, 40)
    assert lowest(RATES, curve(best)) == pytest.approx(best, rel=0.1)
    assert lowest(RATES, curve(best) + noise) == pytest.approx(best, rel=0.5)


def test_what_comes_after_a_loss_that_is_not_finite_does_not_count() -> None:
    losses = curve(3e-3)
    losses[30:] = [math.inf, *np.zeros(9)]
    assert lowest(RATES, losses) == pytest.approx(3e-3, rel=0.1)


@pytest.mark.parametrize("losses", [np.linspace(1, 2, 40), np.full(40, math.nan), np.ones(40)])
def test_a_loss_that_never_falls_gives_the_lowest_rate(losses: np.ndarray) -> None:
    assert lowest(RATES, losses) == RATES[0]


def test_the_margin_divides_the_rate_but_not_below_the_lowest(data: DeviceData) -> None:
    rates = [
        small.trained(
            data, proxy(epochs=1, learning_rate={"range_test": {"margin": margin}})
        ).learning_rate
        for margin in (1, 2, 100)
    ]
    assert None not in rates
    assert rates[1] == pytest.approx(rates[0] / 2)  # type: ignore[operator]
    assert rates[2] == max(1e-4, rates[0] / 100)  # type: ignore[operator]


@pytest.mark.parametrize("choice", [{"range_test": {"steps": 30}}, CHOICE])
def test_the_training_is_the_one_that_a_fixed_rate_gives(
    data: DeviceData, choice: dict[str, object]
) -> None:
    chosen = small.trained(data, proxy(learning_rate=choice))
    assert chosen.learning_rate is not None
    assert 1e-5 <= chosen.learning_rate <= 0.1
    fixed = small.trained(data, proxy(learning_rate=chosen.learning_rate))
    assert chosen.epochs == fixed.epochs
    again = small.trained(data, proxy(learning_rate=choice))
    assert again.learning_rate == chosen.learning_rate


def test_the_best_rate_is_chosen(data: DeviceData) -> None:
    assert small.trained(data, proxy(learning_rate=CHOICE)).learning_rate == 0.02


def test_a_choice_sees_no_test_image() -> None:
    """Spoilt test images and labels change the score, and not the chosen rate."""
    for choice in ({"range_test": {}}, CHOICE):
        data, spoilt = small.stripes(), small.stripes()
        spoilt.test_images.random_(0, 256, generator=torch.Generator().manual_seed(0))
        rates, errors = zip(
            *(
                (result.learning_rate, result.error)
                for result in (
                    small.trained(d, proxy(learning_rate=choice)) for d in (data, spoilt)
                )
            ),
            strict=True,
        )
        assert rates[0] == rates[1]
        assert errors[0] < errors[1]


def test_the_selection_split_is_a_stratified_tenth_never_trained_on(data: DeviceData) -> None:
    asked = proxy()
    with task(data, asked).own_randomness():
        run = Run(network(), task(data, asked), 0.02, selecting=True)
        used = torch.cat(run.batches() + run.batches())
    assert asked.selection_images == 12
    assert used.max() < 108
    _, labels = next(run._held_out(12))
    assert labels.bincount().tolist() == [4, 4, 4]


def test_the_steps_of_the_choice_are_told_and_counted(data: DeviceData) -> None:
    for choice, extra in (({"range_test": {"steps": 30}}, 30), (CHOICE, 2 * 4 * 6)):
        seen: list[tuple[int, int, float]] = []
        asked = proxy(learning_rate=choice)
        small.trained(data, asked, on_step=lambda *step: seen.append(step))  # noqa: B023
        assert asked.choice_steps == extra
        assert {steps for _, steps, _ in seen} == {extra + 28}
        assert seen[-1][0] == extra + 28
        assert [step for step, _, _ in seen] == sorted(step for step, _, _ in seen)


class Bursts(nn.Module):
    """Has no finite output in training."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = network()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.inner(x) * math.inf
        return y


def test_a_network_that_diverges_with_every_rate_has_diverged(data: DeviceData) -> None:
    result = small.trained(data, proxy(learning_rate=CHOICE), model=Bursts())
    assert result.state == "diverged"
    assert result.reason == "the training diverged with every learning rate: 1e-05, 0.02"
    assert result.learning_rate is None
