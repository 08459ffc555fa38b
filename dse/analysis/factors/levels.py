"""Parameters as levels: what every estimator of this package counts.

A parameter of at most eight values has these as levels; of one with more, the numbers are put into
four groups of about equally many networks.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from dse.analysis.estimate import FloatArray
from dse.analysis.factors.effects import MAX_LEVELS, PREFIX, column_values, varied_columns
from dse.analysis.population import LEAST, capped, first_seeds, least_error, outcomes

GROUPS = 4
ABSENT = "none"

IntArray = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Factor:
    """One parameter of n networks.

    `codes` (n,) are places in `levels`. `numbers` (n,) are its values where it has numbers, NaN
    where a network has none; then levels are in rising order. `edges` are the smallest and largest
    number in each level, for levels that are numbers or groups of these.
    """

    name: str
    codes: IntArray
    levels: tuple[str, ...]
    numbers: FloatArray | None = None
    edges: tuple[tuple[float, float], ...] = ()

    @property
    def is_ordered(self) -> bool:
        """Whether the levels are numbers in rising order."""
        return bool(self.edges)

    @cached_property
    def counts(self) -> IntArray:
        """Networks in each level."""
        return np.bincount(self.codes, minlength=len(self.levels))

    def take(self, rows: IntArray) -> Factor:
        """The same parameter of some networks; levels that none of them has stay."""
        numbers = None if self.numbers is None else self.numbers[rows]
        return replace(self, codes=self.codes[rows], numbers=numbers)


@dataclass(frozen=True, kw_only=True, eq=False)
class Networks:
    """n networks, one first training each, in the order of their index.

    `outcome` (n,) are errors [fraction], `inf` where the training ended badly; `classes` of the
    data set, 0 where they are not known. `least` is the smallest error whose logarithm is taken
    (`population.least_error`).
    """

    outcome: FloatArray
    factors: tuple[Factor, ...]
    classes: int = 0
    least: float = LEAST

    @cached_property
    def capped(self) -> FloatArray:
        """Errors, those that ended badly counted as guessing (`population.capped`)."""
        return capped(self.outcome, self.classes)

    @cached_property
    def logs(self) -> FloatArray:
        """Natural logarithms of the capped errors, none below `least`."""
        return np.asarray(np.log(np.maximum(self.capped, self.least)))

    @cached_property
    def places(self) -> FloatArray:
        """Where each outcome stands in the order of all, from 0 to 1, ties in the middle."""
        return np.asarray((stats.rankdata(self.outcome) - 0.5) / len(self))

    def __len__(self) -> int:
        return len(self.outcome)

    @property
    def bad(self) -> NDArray[np.bool_]:
        """Which trainings ended badly."""
        return np.isinf(self.outcome)

    def take(self, rows: IntArray) -> Networks:
        """Some of the networks."""
        factors = tuple(factor.take(rows) for factor in self.factors)
        return replace(self, outcome=self.outcome[rows], factors=factors)


def networks(population: pd.DataFrame, choices: pd.DataFrame | None = None) -> Networks:
    """The first trainings that have ended, with every parameter that varies among them.

    Args:
        population: one row a training.
        choices: the values of parameters by network number (the frame's index), one column each,
            missing where a network has none; by default the columns `arch.*` of the population.
            Of parameters that divide the networks in the same way, the first is kept.
    """
    rows = first_seeds(population)
    if choices is None:
        frame = rows[[column for column in rows.columns if str(column).startswith(PREFIX)]]
    else:
        frame = choices.reindex(rows["index"]).reset_index(drop=True).add_prefix(PREFIX)
    classes = int(rows["classes"].max()) if "classes" in rows and len(rows) else 0
    return Networks(
        outcome=outcomes(rows),
        factors=tuple(_different(factors_of(frame))),
        classes=classes,
        least=least_error(rows),
    )


def factors_of(frame: pd.DataFrame) -> Iterator[Factor]:
    """Every column `arch.*` that varies; names are without the prefix."""
    for column in varied_columns(frame):
        yield factor_of(column_values(frame, column), column.removeprefix(PREFIX))


def factor_of(values: pd.Series, name: str) -> Factor:
    """One parameter: numbers, NaN where there is none, or texts."""
    if not pd.api.types.is_numeric_dtype(values):
        codes, labels = pd.factorize(values, sort=True)
        return Factor(name=name, codes=codes.astype(np.int64), levels=tuple(map(str, labels)))
    numbers = values.to_numpy(dtype=np.float64)
    known = np.isfinite(numbers)
    distinct = np.unique(numbers[known])
    if len(distinct) > MAX_LEVELS:
        cuts = np.quantile(numbers[known], np.arange(1, GROUPS) / GROUPS, method="higher")
        codes = np.searchsorted(np.unique(cuts), numbers, side="right")
        used, codes = np.unique(np.where(known, codes, GROUPS + 1), return_inverse=True)
    else:
        codes = np.searchsorted(distinct, np.where(known, numbers, np.inf))
        used = np.unique(codes)
    edges = tuple(
        (float(numbers[codes == k].min()), float(numbers[codes == k].max()))
        for k in range(len(used))
        if known[codes == k].any()
    )
    levels = tuple(
        f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}" for low, high in edges
    )
    if not known.all():
        levels = (*levels, ABSENT)
    return Factor(
        name=name, codes=codes.astype(np.int64), levels=levels, numbers=numbers, edges=edges
    )


def _different(factors: Iterator[Factor]) -> Iterator[Factor]:
    seen: set[Hashable] = set()
    for factor in factors:
        _, first, inverse = np.unique(factor.codes, return_index=True, return_inverse=True)
        key = np.argsort(np.argsort(first))[inverse].tobytes()  # levels by first appearance
        if key not in seen:
            seen.add(key)
            yield factor
