"""Quantiles and means of a population, with intervals that need no assumption of a shape.

Networks that ended badly have the outcome `inf`: a quantile that falls among them is infinite,
and a mean needs `dse.analysis.population.capped` outcomes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from dse.analysis.estimate import Estimate, FloatArray
from dse.analysis.likelihood import likelihood_interval

QUARTILES = (0.25, 0.5, 0.75)
SUPPORT = 20
"""Below so many networks a mean has no interval."""


def quantile(outcomes: ArrayLike, p: float, confidence: float = 0.95) -> Estimate:
    """The p-quantile of `outcomes` (errors, `inf` = ended badly) with `quantile_bounds`.

    The estimate is the smallest outcome x with F(x) >= p (inverse EDF: never an average of an
    error and infinity). Where n is too small for a lower bound it is 0: errors are not negative.
    """
    ordered = np.sort(np.asarray(outcomes, dtype=np.float64))
    n = ordered.size
    lower, upper = quantile_bounds(ordered, p, confidence)
    return Estimate(
        value=float(ordered[_rank(n, p) - 1]),
        lower=max(lower, 0.0),
        upper=upper,
        n=n,
        confidence=confidence,
    )


def quantile_bounds(ordered: FloatArray, p: float, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of the p-quantile behind rising draws `ordered` (n,), infinities allowed.

    The quantile is below x_(r) with the probability P[Bin(n, p) <= r - 1]. Each bound lies between
    the two order statistics for which that is next to alpha/2, interpolated after Nyblom (1992;
    Hettmansperger & Sheather 1986 for the median): nearly the given confidence for any smooth
    distribution, where order statistics alone (Conover 1999, 3.2) have up to four points more. Next
    to an infinite one the outer of the two is taken. A side without a rank, as n is too small, is
    infinite, and the other side then has all of alpha.
    """
    assert 0 < p < 1, "p is strictly between 0 and 1"
    n, tail = ordered.size, (1 - confidence) / 2
    assert n >= 1, "a quantile needs a network"
    no_lower, no_upper = (1 - p) ** n > tail, p**n > tail
    one_sided = no_lower != no_upper
    lower = _lower_bound(ordered, p, 2 * tail if one_sided and no_upper else tail)
    upper = -_lower_bound(-ordered[::-1], 1 - p, 2 * tail if one_sided and no_lower else tail)
    return (-np.inf if no_lower else lower), (np.inf if no_upper else upper)


def _lower_bound(ordered: FloatArray, p: float, tail: float) -> float:
    """Between x_(r) and x_(r+1), with P[Bin(n, p) <= r - 1] <= tail <= P[Bin(n, p) <= r]."""
    n = ordered.size
    rank = int(stats.binom.ppf(tail, n, p))
    if rank == 0:
        return -np.inf
    outer = float(ordered[rank - 1])
    inner = float(ordered[rank]) if rank < n else np.inf
    if not np.isfinite([outer, inner]).all():
        return outer
    below, above = (float(stats.binom.cdf(count, n, p)) for count in (rank - 1, rank))
    into, back = (n - rank) * p * (tail - below), rank * (1 - p) * (above - tail)
    return outer + into / (into + back) * (inner - outer)


def quartiles(outcomes: ArrayLike, confidence: float = 0.95) -> tuple[Estimate, ...]:
    """The three quartiles of `outcomes`, each with its own interval."""
    return tuple(quantile(outcomes, p, confidence) for p in QUARTILES)


def column_quantiles(outcomes: ArrayLike, shares: Sequence[float]) -> FloatArray:
    """The `shares`-quantiles (k, m) of each column of `outcomes` (n, m), by the inverse EDF.

    What is NaN is not there; a column of nothing else has no quantile (NaN).
    """
    values = np.sort(np.asarray(outcomes, dtype=np.float64), axis=0)  # NaN last
    counts = (~np.isnan(values)).sum(axis=0)
    ranks = np.array([[_rank(int(n), share) for n in counts] for share in shares], dtype=np.intp)
    return np.asarray(np.take_along_axis(values, ranks - 1, axis=0))


def mean(errors: ArrayLike, confidence: float = 0.95) -> Estimate:
    """The mean of finite `errors` with an interval by empirical likelihood.

    See `likelihood.likelihood_interval`. Its bounds are among the values, of which a few do not
    tell enough: below `SUPPORT` they are infinite.
    """
    found = likelihood_interval(np.asarray(errors, dtype=np.float64), confidence)
    return found if found.n >= SUPPORT else replace(found, lower=-np.inf, upper=np.inf)


def _rank(n: int, p: float) -> int:
    """The smallest rank r with r/n >= p, whatever 0.07 * 100 is in binary."""
    return max(int(np.ceil(n * p - 1e-9)), 1)
