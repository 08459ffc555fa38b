"""The cost of all networks of one structure at once, as polynomials in their numbers.

The same plan that the cost of one network is summed up from is walked once with symbols in the
place of depths, widths and kernel sizes. What comes out is exact, quadratic in the widths, and
costs a few multiplications a network: thousands of networks are costed and solved for in a
millisecond.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from dse.architecture.cost import Columns, totals
from dse.architecture.polynomial import Factors, Polynomial
from dse.architecture.spec import Architecture
from dse.architecture.widths import HALF_STEM

Numbers = Mapping[str, Any]
"""The numbers of n networks by symbol: arrays that broadcast with each other."""

Products = dict[Factors, Any]
"""Products of these numbers that are known already."""

FloatArray = NDArray[np.float64]

METRICS = ("flops", "params", "activations")
STEM = "stem_width"
EXACT = 2**53
"""Up to here sums of whole numbers in floating point are exact."""


def width_symbols(stages: int) -> list[str]:
    """The symbols that are widths: of stages, of their hidden layers, of the stem."""
    staged = [f"{name}.{s}" for name in ("dims", "hidden") for s in range(1, stages + 1)]
    return [*staged, STEM, HALF_STEM]


@dataclass(frozen=True, eq=False)
class Form:
    """One metric of all networks of a structure: a sum over products of widths.

    Attributes:
        widths: the products of widths, each with its powers.
        others: the products of all other numbers that these are multiplied with.
        matrix: how often each of `others` occurs with each of `widths`, shape (widths, others).
    """

    widths: tuple[Factors, ...]
    others: tuple[Factors, ...]
    matrix: NDArray[np.float64]

    def coefficients(self, numbers: Numbers, known: Products | None = None) -> FloatArray:
        """What each product of widths is multiplied with, shape (widths, n).

        Args:
            numbers: all numbers but widths, arrays of shape (n,).
            known: products that are known already, which is added to.
        """
        return np.asarray(self.matrix @ _stacked(self.others, numbers, known))

    def at(
        self, widths: Numbers, coefficients: FloatArray, known: Products | None = None
    ) -> FloatArray:
        """The metric at given widths, arrays of shape (n,)."""
        return np.asarray((coefficients * _stacked(self.widths, widths, known)).sum(axis=0))


def evaluate(forms: Iterable[Form], numbers: Numbers) -> FloatArray:
    """Several metrics of n networks, shape (metrics, n); exact up to `EXACT`."""
    known: Products = {}
    found = [form.at(numbers, form.coefficients(numbers, known), known) for form in forms]
    return np.rint(found)  # a share of groups is a fraction until widths are multiplied with it


def _stacked(listed: Sequence[Factors], numbers: Numbers, known: Products | None) -> FloatArray:
    known = {} if known is None else known
    products = [product(factors, numbers, known) for factors in listed]
    found = np.empty((len(products), max(np.size(value) for value in numbers.values())))
    for row, value in zip(found, products, strict=True):
        row[:] = value
    return found


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
    entries: dict[tuple[Factors, Factors], int] = {}
    for factors, multiple in polynomial.terms.items():
        widths = tuple(factor for factor in factors if factor[0] in of_widths)
        others = tuple(factor for factor in factors if factor[0] not in of_widths)
        entries[widths, others] = multiple
    rows = list(dict.fromkeys(widths for widths, _ in entries))
    columns = list(dict.fromkeys(others for _, others in entries))
    matrix = np.zeros((len(rows), len(columns)))
    for (widths, others), multiple in entries.items():
        matrix[rows.index(widths), columns.index(others)] = multiple
    return Form(tuple(rows), tuple(columns), matrix)
