"""From the values of a space's slots back to the point of the unit cube that they are drawn from.

So a network that somebody else chose is made by the same code as a surveyed one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from dse.errors import UserError
from dse.space.language.priors import Prior, Value
from dse.space.sampling.chains import Chain
from dse.space.sampling.shapes import Drawer
from dse.study.slots import Group, groups, index_of

_LARGEST = 1 - 2**-53
_TOLERANCE = 1e-9


def point_of(drawer: Drawer, values: Mapping[str, Value]) -> NDArray[np.float64]:
    """The point, shape (columns,), at which `drawer` draws these values.

    A value of a list is in the middle of its cell. Slots that are left out, as those of choices
    whose condition does not hold, are in the middle of the cube.

    Args:
        drawer: draws from the space.
        values: by slot; of a choice whose stages are in order all slots or none.

    Raises:
        UserError: a value is not in the space; the sentence names the slot.
    """
    point = np.full(len(drawer.columns), 0.5)
    known: set[str] = set()
    for group in groups(drawer.space):
        given = {name: values[name] for name in group.free if name in values}
        known |= given.keys()
        if given and group.is_ordered:
            found = _ordered(group, given)
        else:
            found = {name: _uniform(name, group.slots[name], given[name]) for name in given}
        for name, uniform in found.items():
            point[drawer.columns[name]] = uniform
    for name in values:
        if name not in known:
            raise UserError(f"{name}: nothing of that name is drawn in this space.")
    return point


def _uniform(name: str, prior: Prior, value: Value) -> float:
    """Where a prior gives a value."""
    try:
        return _in_continuum(prior, value) if prior.values is None else _in_list(prior, value)
    except ValueError as error:
        raise UserError(f"{name}: {error}.") from None


def _in_list(prior: Prior, value: Value) -> float:
    shares = prior.probabilities
    assert shares is not None
    return float((np.cumsum(shares) - shares / 2)[index_of(prior, value)])


def _in_continuum(prior: Prior, value: Value) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is no number")
    low, high = prior.limits
    if not low <= value <= high:
        raise ValueError(f"{value!r} is not from {low:g} to {high:g}")
    return _least(lambda uniform: bool(prior.quantile(np.array([uniform]))[0] >= value))


def _ordered(group: Group, given: Mapping[str, Value]) -> dict[str, float]:
    """Where a chain gives values, the one of each stage after those of the stages before it."""
    priors = tuple(group.slots.values())
    if given.keys() != group.free.keys():
        missing = ", ".join(name for name in group.free if name not in given)
        raise UserError(f"{group.name}: {missing}: is missing; all stages go together.")
    middles = {name: _uniform(name, group.slots[name], value) for name, value in given.items()}
    chain = Chain(priors, falling=group.falls)
    uniforms = np.array([[middles.get(name, 0.5) for name in group.slots]])
    asked = np.array([_number(prior, given.get(name)) for name, prior in group.slots.items()])
    if priors[0].values is not None:
        _fill_cells(chain, uniforms, asked)
    drawn = chain.quantile(uniforms)[0]
    if not np.allclose(drawn, asked, rtol=_TOLERANCE, atol=0):
        order = "rise" if group.falls else "fall"
        raise UserError(f"{group.name}: {', '.join(map(repr, given.values()))}: may not {order}.")
    found = zip(group.slots, uniforms[0].tolist(), strict=True)
    return {name: uniform for name, uniform in found if name in given}


def _number(prior: Prior, value: Value) -> float:
    """A value, the only one if the prior is fixed, as the chain has it."""
    if prior.is_fixed:
        assert prior.values is not None
        value = prior.values[0]
    assert isinstance(value, int | float)
    return float(value)


def _fill_cells(chain: Chain, uniforms: NDArray[np.float64], asked: NDArray[np.float64]) -> None:
    """Move the uniform numbers, stage by stage, to the middle of the cells of the values."""
    sign = -1 if chain.falling else 1
    for stage, value in enumerate((sign * asked).tolist()):
        margin = _TOLERANCE * abs(value)

        def is_above(uniform: float, bound: float, stage: int = stage) -> bool:
            uniforms[0, stage] = uniform
            return bool(sign * chain.quantile(uniforms)[0, stage] > bound)

        low = _least(partial(is_above, bound=value - margin))
        high = _least(partial(is_above, bound=value + margin))
        uniforms[0, stage] = (low + high) / 2


def _least(holds: Callable[[float], bool]) -> float:
    """The least number in [0, 1) from which on something holds; the largest if nowhere."""
    low, high = 0.0, _LARGEST
    if holds(low):
        return low
    while low < (middle := (low + high) / 2) < high:
        if holds(middle):
            high = middle
        else:
            low = middle
    return high
