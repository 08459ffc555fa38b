"""The learning rate of every step: ConvNeXt's published schedule."""

from __future__ import annotations

import math

from dse.training.recipe import Schedule


def learning_rate(schedule: Schedule, step: int, steps_per_epoch: int) -> float:
    """Rate of step 0 <= `step` < `schedule.epochs` * `steps_per_epoch`.

    The warm-up's W steps go evenly from its first rate to the peak, both included; of the other n,
    step i has final + (peak - final) (1 + cos(pi i / n)) / 2 (Loshchilov & Hutter 2017).
    """
    warmup = schedule.warmup_epochs * steps_per_epoch
    steps = schedule.epochs * steps_per_epoch
    assert 0 <= step < steps
    peak = schedule.learning_rate
    if step < warmup:
        first = schedule.warmup_learning_rate
        return first + (peak - first) * step / max(1, warmup - 1)
    low = schedule.final_learning_rate
    progress = (step - warmup) / (steps - warmup)
    return low + 0.5 * (peak - low) * (1 + math.cos(math.pi * progress))
