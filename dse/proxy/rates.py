"""A learning rate for one network, found on training images alone."""

from __future__ import annotations

import copy
import itertools
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from dse.proxy.loop import DivergedError, OnLoss, Run
from dse.proxy.recipe import RangeTest, RateChoice
from dse.proxy.task import Task

SMOOTHED: Final = 5
"""Losses of a range test are means over so many steps."""
LEAST_FALL: Final = 1e-6
"""A loss that falls by less does not fall, but is rounded."""

Array = npt.NDArray[np.floating[Any]]
Weights = dict[str, Tensor]


def snapshot(model: nn.Module) -> Weights:
    """A copy of all weights and statistics."""
    return copy.deepcopy(model.state_dict())


def find_rate(model: nn.Module, task: Task, fresh: Weights, report: OnLoss | None) -> float:
    """The recipe's rate, or the one that it lets this network choose; `fresh` are its weights.

    The network has them again afterwards. `report` counts the steps of the choice.

    Raises:
        DivergedError: the training diverged with every rate that may be chosen.
    """
    choice = task.proxy.recipe.learning_rate
    if not isinstance(choice, RateChoice):
        return choice
    try:
        if choice.range_test:
            return _by_range_test(model, task, choice.range_test, report)
        assert choice.best_of
        return _best_of(model, task, choice.best_of, fresh, report)
    finally:
        model.load_state_dict(fresh)


def _by_range_test(model: nn.Module, task: Task, test: RangeTest, report: OnLoss | None) -> float:
    rates = np.geomspace(test.low, test.high, test.steps)
    with task.own_randomness():
        run = Run(model, task, test.low, steps=test.steps)
        model.train()
        endless = itertools.chain.from_iterable(run.batches() for _ in itertools.count())
        pieces = task.data.train_pieces(itertools.islice(endless, test.steps))
        for rate, (pixels, labels) in zip(rates, pieces, strict=True):
            run.take(pixels, labels, float(rate))
            if report and run.step == test.steps:
                report(run.step, float(run.losses[-1]))
    return max(test.low, lowest(rates, run.losses.cpu().numpy()) / test.margin)


def lowest(rates: Array, losses: Array) -> float:
    """The rate at which a sweep's loss is lowest.

    Losses (n,) of one step at each of the growing `rates` (n,) are smoothed by a moving mean over
    `SMOOTHED` steps, as far as they are finite. Where they never fall, it is the lowest rate. After
    Smith 2017, "Cyclical Learning Rates for Training Neural Networks"; with a margin the rule is
    that of fastai's `minimum`.
    """
    finite = np.isfinite(losses)
    count = len(losses) if finite.all() else int(finite.argmin())
    if count < SMOOTHED:
        return float(rates[0])
    smooth = np.convolve(losses[:count], np.full(SMOOTHED, 1 / SMOOTHED), mode="valid")
    best = int(smooth.argmin())
    if smooth[0] - smooth[best] < LEAST_FALL:
        return float(rates[0])
    return float(rates[SMOOTHED // 2 + best])


def _best_of(
    model: nn.Module,
    task: Task,
    rates: tuple[float, ...],
    fresh: Weights,
    report: OnLoss | None,
) -> float:
    """The rate with the lowest error on the tenth left out; of equal ones the lowest rate."""
    errors: dict[float, float] = {}
    for number, rate in enumerate(rates):
        before = number * task.proxy.selection_steps
        model.load_state_dict(fresh)
        try:
            with task.own_randomness():
                run = Run(model, task, rate, selecting=True)
                for epoch in range(1, task.proxy.epochs + 1):
                    record = run.epoch(epoch, _after(report, before))
        except DivergedError:
            continue
        errors[rate] = record.error
    if not errors:
        tried = ", ".join(f"{rate:g}" for rate in rates)
        raise DivergedError(f"the training diverged with every learning rate: {tried}")
    return min(errors, key=lambda rate: (errors[rate], rate))


def _after(report: OnLoss | None, steps: int) -> OnLoss | None:
    return (lambda step, loss: report(steps + step, loss)) if report else None
