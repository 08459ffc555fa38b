"""The cost of all networks of one structure at once, as polynomials in their numbers.

The same plan that the cost of one network is summed up from is walked once with symbols in the
place of depths, widths and kernel sizes. What comes out is exact, quadratic in the widths, and
costs a few multiplications a network: thousands of networks are costed and solved for in a
millisecond.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, cast

from dse.architecture.cost import Columns, totals
from dse.architecture.polynomial import Factors, Polynomial
from dse.architecture.spec import Architecture
from dse.architecture.widths import HALF_STEM

Numbers = Mapping[str, Any]
"""The numbers of n networks by symbol: arrays that broadcast with each other."""

Products = dict[Factors, Any]
"""Products of these numbers that are known already."""

METRICS = ("flops", "params", "activations")
STEM = "stem_width"
EXACT = 2**53
"""Up to here sums of whole numbers in floating point are exact."""


def width_symbols(stages: int) -> list[str]:
    """The symbols that are widths: of stages, of their hidden layers, of the stem."""
    staged = [f"{name}.{s}" for name in ("dims", "hidden") for s in range(1, stages + 1)]
    return [*staged, STEM, HALF_STEM]


class Group(NamedTuple):
    """All terms of a form that have the same product of widths."""

    widths: Factors
    terms: tuple[tuple[int, Factors], ...]


@dataclass(frozen=True)
class Form:
    """One metric of all networks of a structure: a sum over products of widths."""

    groups: tuple[Group, ...]

    def coefficients(self, numbers: Numbers, known: Products | None = None) -> list[Any]:
        """What each group's product of widths is multiplied with, given all other numbers."""
        known = {} if known is None else known
        found = []
        for group in self.groups:
            total: Any = 0.0
            for multiple, factors in group.terms:
                total = total + multiple * product(factors, numbers, known)
            found.append(total)
        return found

    def at(self, widths: Numbers, coefficients: list[Any], known: Products | None = None) -> Any:
        """The metric at given widths."""
        known = {} if known is None else known
        total: Any = 0.0
        for group, coefficient in zip(self.groups, coefficients, strict=True):
            total = total + coefficient * product(group.widths, widths, known)
        return total


def evaluate(forms: Iterable[Form], numbers: Numbers) -> list[Any]:
    """Several metrics of n networks; exact up to `EXACT`."""
    known: Products = {}
    return [form.at(numbers, form.coefficients(numbers, known), known) for form in forms]


def product(factors: Factors, numbers: Numbers, known: Products) -> Any:
    """The product of symbols; divided last, so that whole numbers stay exact."""
    if factors in known:
        return known[factors]
    above: Any = None
    below: Any = None
    for name, power in factors:
        number = numbers[name]
        for _ in range(abs(power)):
            if power > 0:
                above = number if above is None else above * number
            else:
                below = number if below is None else below * number
    above = 1.0 if above is None else above
    known[factors] = above if below is None else above / below
    return known[factors]


@lru_cache(maxsize=4096)
def cost_forms(
    structure: Architecture, free: frozenset[str], *, resolution: int, classes: int = 1000
) -> dict[str, Form]:
    """The forms of the three metrics, by name.

    The symbols are `depths.1`, `dims.1`, `hidden.1` (hidden channels of stage 1's blocks),
    `kernel_sizes.1`, ... and, if free, `groups`, `group_width.1`, ... and `stem_width`;
    `widths.HALF_STEM` is that part of a tiered stem.

    Args:
        structure: gives everything that is no number; its numbers are of no account.
        free: which of `groups`, `group_width` and `stem_width` networks have; the others are None.
        resolution: height and width of the image in pixels.
        classes: outputs of the head.

    Raises:
        UserError: the image is too small for the structure's downsampling.
    """
    symbol, stages = Polynomial.symbol, range(1, structure.stages + 1)
    columns: dict[str, Any] = {
        name: tuple(symbol(f"{name}.{stage}") for stage in stages)
        for name in ("depths", "dims", "kernel_sizes", "group_width")
    }
    # The ratio of a symbolic width stands for the hidden width itself: see `hidden_width`.
    columns["expansion_ratio"] = tuple(symbol(f"hidden.{stage}") for stage in stages)
    columns |= {"groups": symbol("groups"), STEM: symbol(STEM)}
    for name in ("groups", "group_width", STEM):
        if name not in free:
            columns[name] = None
    symbolic = cast(Architecture, Columns(structure, columns))
    found = totals(symbolic, resolution=resolution, in_channels=3, classes=classes)
    of_widths = frozenset(width_symbols(structure.stages))
    return {metric: _grouped(Polynomial.of(found[metric]), of_widths) for metric in METRICS}


def _grouped(polynomial: Polynomial, of_widths: frozenset[str]) -> Form:
    groups: dict[Factors, list[tuple[int, Factors]]] = {}
    for factors, multiple in polynomial.terms.items():
        widths = tuple(factor for factor in factors if factor[0] in of_widths)
        others = tuple(factor for factor in factors if factor[0] not in of_widths)
        groups.setdefault(widths, []).append((multiple, others))
    return Form(tuple(Group(widths, tuple(terms)) for widths, terms in groups.items()))
