"""The slots of a space as Optuna's parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import BaseTrial

from dse.errors import UserError
from dse.space.language.design_space import DesignSpace
from dse.space.language.priors import Prior, Value
from dse.study.slots import groups, index_of

RANK = ".rank"
"""Ends the name of a parameter that is the number of a value, from 0, in rising order."""
_FINEST = 1e6
"""So many steps from 0, Optuna still knows the values of a lattice for its own."""


@dataclass(frozen=True)
class Axis:
    """A slot as a parameter of Optuna's.

    Attributes:
        name: of the parameter.
        prior: of the slot.
        distribution: of all its values.
        ranked: the values, rising, if the parameter is the rank of one.
    """

    name: str
    prior: Prior
    distribution: BaseDistribution
    ranked: tuple[float, ...] | None = None

    def between(self, low: float, high: float) -> Axis:
        """The same with values from `low` to `high` alone, two of them."""
        distribution: Any = self.distribution
        if self.ranked is not None:
            low, high = self.ranked.index(low), self.ranked.index(high)
        options = {"log": distribution.log, "step": distribution.step}
        return replace(self, distribution=type(distribution)(low, high, **options))

    def suggest(self, trial: BaseTrial) -> Value:
        """A value that a trial's sampler chooses.

        Raises:
            UserError: the value comes from elsewhere, and is none of the slot's.
        """
        suggested = _suggest(trial, self.name, self.distribution)
        try:
            if self.ranked is not None:
                suggested = self.ranked[range(len(self.ranked)).index(suggested)]
            if self.prior.values is None:
                return float(suggested)
            return self.prior.values[index_of(self.prior, suggested)]
        except ValueError:
            raise UserError(f"{self.name}: {suggested!r} is not in the space.") from None

    def param(self, value: Value) -> Any:
        """What the parameter is for a value of the slot."""
        if self.ranked is None:
            return value
        assert isinstance(value, int | float)
        return self.ranked.index(value)


def distributions(space: DesignSpace) -> dict[str, BaseDistribution]:
    """Optuna's distribution of every slot of a space that has more than one value, by name.

    Choices and powers of two are categorical. Lattices are Optuna's with a step, logarithmic ones
    only where their step is 1, since Optuna has no others; one whose values are no decimal
    multiples of its step is categorical. In a choice whose stages are in order, values must be
    numbers in order for Optuna as well: those that are no lattice go by their rank there, under the
    slot's name with `.rank` behind it.
    """
    return {axis.name: axis.distribution for axis in axes(space).values()}


def to_params(space: DesignSpace, values: Mapping[str, Value]) -> dict[str, Any]:
    """The parameters of Optuna's for the values of slots, for `study.enqueue_trial`."""
    known = axes(space)
    return {known[slot].name: known[slot].param(value) for slot, value in values.items()}


def axes(space: DesignSpace) -> dict[str, Axis]:
    """The free slots by name."""
    return {
        slot: _axis(slot, prior, group.is_ordered)
        for group in groups(space)
        for slot, prior in group.free.items()
    }


def _axis(slot: str, prior: Prior, ordered: bool) -> Axis:
    distribution = _of_range(prior)
    if distribution is not None:
        return Axis(slot, prior, distribution)
    assert prior.values is not None
    if not ordered:
        return Axis(slot, prior, CategoricalDistribution(prior.values))
    rising = tuple(in_order(prior, 1))
    first, second = (Decimal(repr(value)) for value in rising[:2])
    lattice = _lattice(rising, float(second - first), log=False)
    if lattice is not None:
        return Axis(slot, prior, lattice)
    return Axis(slot + RANK, prior, IntDistribution(0, len(rising) - 1), ranked=rising)


def _of_range(prior: Prior) -> BaseDistribution | None:
    """The distribution of a continuum or a lattice, where Optuna has it."""
    log = prior.kind in ("log_uniform", "log_normal")
    if prior.values is None:
        low, high = prior.limits
        return FloatDistribution(low, high, log=log)
    if prior.step is None:
        return None
    return _lattice(tuple(in_order(prior, 1)), prior.step, log=log)


def _lattice(
    values: tuple[float, ...], step: float, *, log: bool
) -> IntDistribution | FloatDistribution | None:
    """Optuna's lattice of these values; None if some are, as decimal numbers, beside it.

    Optuna adds up steps as binary numbers, so what it suggests may be off in the last digits; the
    value of the slot is the one that is written.
    """
    start, width = Decimal(repr(values[0])), Decimal(repr(step))
    if any(Decimal(repr(value)) != start + k * width for k, value in enumerate(values)):
        return None
    low, high = values[0], values[-1]
    if all(isinstance(value, int) for value in values):
        return IntDistribution(int(low), int(high), log=log and step == 1, step=int(step))
    is_too_fine = max(abs(low), abs(high)) / step > _FINEST
    return None if is_too_fine else FloatDistribution(low, high, step=step)


def in_order(prior: Prior, sign: int) -> list[float]:
    """The numbers of a prior, or the limits of a continuum, rising; times a sign, 1 or -1."""
    values = prior.limits if prior.values is None else prior.values
    return sorted(sign * v for v in values if isinstance(v, int | float))


def _suggest(trial: BaseTrial, name: str, distribution: BaseDistribution) -> Any:
    if isinstance(distribution, IntDistribution):
        options: dict[str, Any] = {"log": distribution.log, "step": distribution.step}
        return trial.suggest_int(name, distribution.low, distribution.high, **options)
    if isinstance(distribution, FloatDistribution):
        options = {"log": distribution.log, "step": distribution.step}
        return trial.suggest_float(name, distribution.low, distribution.high, **options)
    assert isinstance(distribution, CategoricalDistribution)
    return trial.suggest_categorical(name, distribution.choices)
