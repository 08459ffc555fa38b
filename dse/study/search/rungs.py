"""Successive halving and Hyperband by epoch, one rung of a generation after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import optuna
from optuna.pruners import BasePruner, HyperbandPruner, NopPruner, SuccessiveHalvingPruner

from dse.study.search.algorithms import quiet
from dse.study.search.records import Asked, Told, Trainings

PRUNERS: Final = ("none", "halving", "hyperband")
REDUCTION: Final = 3
"""About one of so many networks goes on from a rung; the next rung has so many times the epochs."""
_FIRST: Final = 27
"""The first rung is at this part of all epochs, or at the first epoch."""


def rungs(pruner: str, epochs: int) -> list[int]:
    """The epochs after which it is decided which networks go on; the last epoch is none.

    >>> rungs("halving", 4), rungs("hyperband", 100), rungs("none", 100)
    ([1, 3], [3, 9, 27, 81], [])
    """
    if pruner == "none":
        return []
    found = []
    epoch = _first(epochs)
    while epoch < epochs:
        found.append(epoch)
        epoch *= REDUCTION
    return found


class Ladder:
    """Decides with Optuna's pruners which networks go on, in the order of their numbers.

    Generations must come in order from the first, after a kill as well: what is decided depends on
    all errors at the same epoch before.

    Successive halving is asynchronous in Optuna (Li et al. 2020): a network goes on if it is in the
    best third of those that came to the rung before it, itself included. Hyperband (Li et al. 2018)
    divides the networks, by a hash of study and number, among such contests that begin at different
    rungs.

    Args:
        study: the name of the search.
        pruner: one of `PRUNERS`.
        epochs: of a whole training.
    """

    def __init__(self, *, study: str, pruner: str, epochs: int) -> None:
        self._rungs = rungs(pruner, epochs)
        with quiet():
            self._study = optuna.create_study(
                study_name=study,
                direction="minimize",
                sampler=optuna.samplers.RandomSampler(seed=0),
                pruner=_pruner(pruner, epochs),
            )

    def train(self, asked: Sequence[Asked], trainings: Trainings) -> list[Told]:
        """Train a generation, or its first networks: to the first rung, the second, the end."""
        numbers = [each.number for each in asked]
        trials = {number: self._study.ask() for number in numbers}
        assert all(number == trial.number for number, trial in trials.items())
        told: dict[int, Told] = {}
        for epoch in (*self._rungs, None):
            if numbers:
                told |= {t.number: t for t in trainings.train(numbers, until_epoch=epoch)}
            if epoch is not None:
                numbers = [n for n in numbers if _goes_on(trials[n], told[n], epoch)]
        return [told[each.number] for each in asked]


def _goes_on(trial: optuna.Trial, told: Told, epoch: int) -> bool:
    if epoch not in told.curve:  # it ended badly before
        return False
    trial.report(told.curve[epoch], step=epoch)
    return not trial.should_prune()


def _first(epochs: int) -> int:
    return max(1, epochs // _FIRST)


def _pruner(pruner: str, epochs: int) -> BasePruner:
    match pruner:
        case "halving":
            return SuccessiveHalvingPruner(min_resource=_first(epochs), reduction_factor=REDUCTION)
        case "hyperband":
            return HyperbandPruner(
                min_resource=_first(epochs), max_resource=epochs, reduction_factor=REDUCTION
            )
        case _:
            return NopPruner()
