from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dse.network.timm_model import timm_module
from dse.training.recipe import Schedule
from dse.training.schedule import learning_rate

STEPS_PER_EPOCH = 1251  # ImageNet-1K in batches of 1024


def published(schedule: Schedule, steps_per_epoch: int) -> npt.NDArray[np.float64]:
    """ConvNeXt's schedule as a whole, in NumPy."""
    warmup = schedule.warmup_epochs * steps_per_epoch
    rest = schedule.epochs * steps_per_epoch - warmup
    rise = np.linspace(schedule.warmup_learning_rate, schedule.learning_rate, warmup)
    wave = 1 + np.cos(math.pi * np.arange(rest) / rest)
    low = schedule.final_learning_rate
    return np.concatenate([rise, low + 0.5 * (schedule.learning_rate - low) * wave])


def all_rates(schedule: Schedule, steps_per_epoch: int) -> list[float]:
    steps = schedule.epochs * steps_per_epoch
    return [learning_rate(schedule, step, steps_per_epoch) for step in range(steps)]


def test_the_default_is_the_published_schedule_at_every_step_and_timms_within_1e6() -> None:
    ours = np.array(all_rates(Schedule(), STEPS_PER_EPOCH))
    np.testing.assert_allclose(ours, published(Schedule(), STEPS_PER_EPOCH), rtol=0, atol=1e-15)
    # timm's train script with --epochs 280 --warmup-epochs 20 --warmup-prefix --sched-on-updates
    optimizer = torch.optim.AdamW([torch.zeros(1, requires_grad=True)], lr=4e-3)
    scheduler, epochs = timm_module("timm.scheduler").create_scheduler_v2(
        optimizer,
        sched="cosine",
        num_epochs=280,
        warmup_epochs=20,
        warmup_prefix=True,
        warmup_lr=0,
        min_lr=1e-6,
        step_on_epochs=False,
        updates_per_epoch=STEPS_PER_EPOCH,
    )
    assert epochs == 300
    theirs = np.empty_like(ours)
    for step in range(len(ours)):
        theirs[step] = optimizer.param_groups[0]["lr"]
        scheduler.step_update(num_updates=step + 1)
    assert np.abs(ours - theirs).max() < 1e-6


@given(
    epochs=st.integers(1, 12),
    warmup=st.integers(0, 11),
    steps_per_epoch=st.integers(1, 9),
    first=st.sampled_from([0.0, 1e-5, 1e-3]),
)
def test_every_schedule_is_the_published_formula(
    epochs: int, warmup: int, steps_per_epoch: int, first: float
) -> None:
    schedule = Schedule(
        epochs=epochs,
        warmup_epochs=min(warmup, epochs - 1),
        learning_rate=2e-3,
        warmup_learning_rate=first,
        final_learning_rate=1e-5,
    )
    rates = all_rates(schedule, steps_per_epoch)
    np.testing.assert_allclose(rates, published(schedule, steps_per_epoch), rtol=0, atol=1e-15)


def test_the_warm_up_reaches_the_peak_and_the_cosine_starts_there() -> None:
    rates = all_rates(Schedule(epochs=5, warmup_epochs=2, learning_rate=1.0), 3)
    assert rates[0] == 0
    assert rates[5] == rates[6] == pytest.approx(1)
    assert rates[6:] == sorted(rates[6:], reverse=True)
