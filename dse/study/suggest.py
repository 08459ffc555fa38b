"""A space as Optuna's search space: the same networks, chosen by a sampler of Optuna's.

    sampler = make_sampler(load_space("spaces/convnext_space.yaml"), budget="4.5GFLOPs")
    study.optimize(lambda trial: error_of(suggest(trial, sampler).architecture), n_trials=100)

A search is no survey. Optuna's samplers begin with their own distributions of the values, not with
the space's priors: whole numbers of a log-uniform prior come close to it where the step is 1; all
other values of a list or a lattice are equally likely; between two limits a number or its logarithm
is uniform, for normal priors too; and in a choice whose stages are in order, each stage is drawn
from the values that are left, however many there are. So the trials of a search are no sample of
the space, and nothing about the space may be concluded from how many of them are good.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import inf
from typing import NoReturn

import numpy as np
import optuna
from optuna.trial import BaseTrial

from dse.errors import UserError
from dse.space.language.design_space import DesignSpace
from dse.space.language.priors import Value
from dse.space.sampling.batch import Batch, Sample
from dse.space.sampling.draft import Draft, draft
from dse.space.sampling.sampler import Sampler
from dse.study.axes import Axis, axes, distributions, in_order, to_params
from dse.study.inverse import point_of
from dse.study.slots import Group, groups, slot_values

__all__ = ["distributions", "slot_values", "suggest", "to_params"]

REFUSED = "refused"
"""The user attribute of a refused trial that says why."""
CONSTRAINT = "budget"
"""The constraint that a refused trial breaks."""


def suggest(trial: BaseTrial, sampler: Sampler) -> Sample:
    """A network of a space inside a budget, of values that Optuna's sampler chooses.

    A choice is suggested where its condition holds. Where values of the stages may not fall, or not
    rise, each stage is suggested from those that the stages before and after it leave, so that its
    range changes between trials. The network is then made by the code of the survey, which solves
    its widths for the budget; with a sampler of a conditioned population widths are suggested too,
    and few of them meet the budget.

    Nothing is clamped. Values that cannot meet the budget, or a predicate, prune the trial: its
    user attribute `refused` says why, and its constraint `budget` is 1 (0 where it is met), which
    Optuna's samplers learn to avoid. With `study.best_trial` for the trial, the network of the best
    trial comes out again.

    Args:
        trial: of a study of Optuna's.
        sampler: the space, the budget, and how widths come about; its seed does not matter.

    Returns:
        the network with its cost; its index is the number of the trial.

    Raises:
        optuna.TrialPruned: the suggested values cannot meet the budget, or are not in the space.
    """
    try:
        point = point_of(sampler.drawer, _suggested(trial, sampler.space))
    except UserError as error:
        _refuse(trial, str(error))
    found = draft(sampler.drawer, sampler.budget, sampler.population, point[None, :])
    if found.reasons[0]:
        _refuse(trial, found.reasons[0])
    sample = _sample(sampler, found, trial.number)
    _require_measured(trial, sampler, sample)
    _constrain(trial, 0.0)
    return sample


def _sample(sampler: Sampler, found: Draft, number: int) -> Sample:
    batch = Batch(
        drawer=sampler.drawer,
        indices=np.array([number]),
        draft=found,
        refusals=[Counter()],
        resolution=sampler.budget.resolution,
    )
    return batch.sample(0)


def _require_measured(trial: BaseTrial, sampler: Sampler, sample: Sample) -> None:
    if sampler.budget.measured:
        assert sampler.measure is not None, "a measured limit needs something that measures"
        measured = sampler.measure(sample.architecture)
        for limit in sampler.budget.measured:
            if measured[limit.metric] > limit.most:
                _refuse(trial, f"above the limit on {limit.metric}")


def _refuse(trial: BaseTrial, reason: str) -> NoReturn:
    trial.set_user_attr(REFUSED, reason)
    _constrain(trial, 1.0)
    raise optuna.TrialPruned(reason)


def _constrain(trial: BaseTrial, value: float) -> None:
    if CONSTRAINT not in trial.constraints:  # as it is in a trial that is over
        trial.set_constraint(CONSTRAINT, value)


def _suggested(trial: BaseTrial, space: DesignSpace) -> dict[str, Value]:
    """The value of every free slot whose condition holds."""
    by_slot = axes(space)
    found: dict[str, Value] = {}
    known: dict[str, Value] = {}
    for group in groups(space):
        if group.parameter is not None and not group.parameter.holds(known):
            known[group.name] = space.parameters.otherwise(group.name)
            continue
        if group.is_ordered:
            found |= _ordered(trial, group, by_slot)
        else:
            found |= {slot: by_slot[slot].suggest(trial) for slot in group.free}
        if group.name in group.slots:  # one value for the whole network
            fixed = (group.slots[group.name].values or (None,))[0]
            known[group.name] = found.get(group.name, fixed)
    return found


def _ordered(trial: BaseTrial, group: Group, by_slot: Mapping[str, Axis]) -> dict[str, Value]:
    """Values of stages that may not fall, or not rise: of each, one that the others leave."""
    sign = -1 if group.falls else 1
    reach: list[float] = []  # how far each stage may go so that the later ones can follow
    for prior in reversed(group.slots.values()):
        last = reach[-1] if reach else inf
        reach.append(max((v for v in in_order(prior, sign) if v <= last), default=-inf))
    found: dict[str, Value] = {}
    least = -inf
    for (slot, prior), most in zip(group.slots.items(), reversed(reach), strict=True):
        rising = in_order(prior, sign)
        if prior.values is None:
            left = [max(least, rising[0]), most]
        else:
            left = [v for v in rising if least <= v <= most]
        if not left or left[0] > left[-1]:
            raise UserError(f"{slot}: the stages before leave no value.")
        if prior.is_fixed:
            least = left[0]
            continue
        low, high = sorted((sign * left[0], sign * left[-1]))
        value = found[slot] = by_slot[slot].between(low, high).suggest(trial)
        assert isinstance(value, int | float)
        least = sign * value
    return found
