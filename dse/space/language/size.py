"""How many networks a space has shapes for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate
from typing import TYPE_CHECKING, Final, Literal

from dse.space.language.choices import Parameter, StageParameter
from dse.space.language.parameters import Parameters
from dse.space.language.priors import Prior, Value
from dse.space.language.widths import Widths

if TYPE_CHECKING:
    from dse.space.language.design_space import DesignSpace

Orderings = Literal["exact", "factorial"]

CONTINUUM_LEVELS: Final = 64
"""So many levels of each number of `quantized_linear` are counted, as RegNet does."""
MAX_ASSIGNMENTS: Final = 100_000


def dimension(space: DesignSpace) -> int:
    """Number of values that are really free; a width scale that a budget sets is not."""
    return sum(not prior.is_fixed for prior in space.slots.values())


def log10_size(space: DesignSpace, *, orderings: Orderings = "exact") -> float:
    """log10 of the number of shapes, equally likely or not.

    A continuum, as growths usually are, is not counted. The free numbers of `quantized_linear`
    count `CONTINUUM_LEVELS` each, however they are drawn; so the size of RegNetX is 64^4 * 6 * 3
    (Radosavovic et al. 2020, table 1). Widths that `multiple_of` and the limits do not allow are
    not counted, nor are values of parameters whose condition does not hold. What `require`,
    groups, an image size or a budget refuse is.

    Args:
        space: the space.
        orderings: whether values in order are counted exactly, or as in RegNet's table, as if all
            orders of the stages were equally many.

    More than `MAX_ASSIGNMENTS` combinations of values that conditions ask for are not looked
    through: the conditions are ignored, and the size is an upper bound.
    """
    parameters, conditional = space.parameters, space.parameters.conditional
    counts = {
        name: _count(parameter, space.stages, orderings)
        for name, parameter in parameters.given.items()
    }
    assignments = _assignments(parameters)
    if assignments is None:
        return _log10(math.prod(counts.values(), start=Fraction(1)))
    asked_for = _asked_for(parameters)
    always = [n for name, n in counts.items() if name not in asked_for and name not in conditional]
    dependent = [name for name in conditional if name not in asked_for]
    total = sum(
        math.prod(
            (counts[name] for name in dependent if conditional[name].holds(values)),
            start=Fraction(1),
        )
        for values in assignments
    )
    return _log10(math.prod(always, start=Fraction(total)))


def _asked_for(parameters: Parameters) -> set[str]:
    return {key for parameter in parameters.conditional.values() for key in parameter.when or ()}


def _assignments(parameters: Parameters) -> list[dict[str, Value]] | None:
    """All values together of the parameters that conditions ask for, unless they are too many."""
    asked_for = _asked_for(parameters)
    found: list[dict[str, Value]] = [{}]
    for name in parameters.order:
        if name not in asked_for:
            continue
        parameter = getattr(parameters, name)
        found = [
            {**values, name: value}
            for values in found
            for value in (
                (parameters.drawn(name) or ())
                if parameter.holds(values)
                else (parameters.otherwise(name),)
            )
        ]
        if len(found) > MAX_ASSIGNMENTS:
            return None
    return found


def _count(
    parameter: Parameter | StageParameter | Widths, stages: int, orderings: Orderings
) -> Fraction:
    if isinstance(parameter, Prior):
        return Fraction(len(parameter.values or (0,)))
    if isinstance(parameter, StageParameter):
        if parameter.any_of is not None:
            return Fraction(len(parameter.any_of))
        priors = parameter.priors(stages)[:stages]
        return _tuples([prior.values for prior in priors], parameter.order, orderings)
    if parameter.quantized_linear is not None:
        free = sum(not prior.is_fixed for prior in parameter.quantized_linear.priors.values())
        return Fraction(CONTINUUM_LEVELS**free)
    if parameter.growth is not None:
        first = 1 if parameter.first is None else len(parameter.first.values or (0,))
        return first * _count(parameter.growth, stages - 1, orderings)
    assert parameter.absolute is not None
    widths = [parameter.allowed(prior) for prior in parameter.absolute.priors(stages)]
    return _tuples(widths, parameter.absolute.order, orderings)


def _tuples(
    stages: Sequence[tuple[Value, ...] | None], order: str, orderings: Orderings
) -> Fraction:
    """Number of ways to take one value for each stage; a continuum counts as one."""
    listed = [values for values in stages if values is not None]
    if order in ("free", "shared") or len(listed) < len(stages):
        return Fraction(math.prod(map(len, listed)))
    if orderings == "factorial":
        return Fraction(math.prod(map(len, listed)), math.factorial(len(listed)))
    numbers = [[float(value) for value in values if value is not None] for values in listed]
    return Fraction(_non_decreasing(numbers[:: 1 if order == "non_decreasing" else -1]))


def _non_decreasing(stages: list[list[float]]) -> int:
    """Number of ways to take one value for each stage, none below the one before it."""
    support = sorted({value for values in stages for value in values})
    ways = [1] * len(support)  # to come to each value or below
    for values in map(set, stages):
        ways = list(accumulate(n if v in values else 0 for v, n in zip(support, ways, strict=True)))
    return ways[-1] if ways else 1


def _log10(number: Fraction) -> float:
    return math.log10(number.numerator) - math.log10(number.denominator)
