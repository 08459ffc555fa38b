"""Quantiles and means of a population, with intervals that need no assumption of a shape.

Networks that ended badly have the outcome `inf`: a quantile that falls among them is infinite,
and a mean needs `dse.analysis.population.capped` outcomes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from dse.analysis.estimate import Estimate, FloatArray
from dse.analysis.resampling import abc_interval, bca_levels, likelihood_interval

QUARTILES = (0.25, 0.5, 0.75)


def quantile(
    outcomes: ArrayLike,
    p: float,
    confidence: float = 0.95,
    method: Literal["exact", "bca"] = "exact",
) -> Estimate:
    """The p-quantile of `outcomes` (errors, `inf` = ended badly) with an interval.

    The estimate is the smallest outcome x with F(x) >= p (inverse EDF: never an average of an
    error and infinity). The bounds are order statistics. Where n is too small for a rank, the bound
    is 0 or infinity: errors are not negative.

    - `exact`: x_(l) and x_(u), with l the largest rank that has P[Bin(n, p) <= l - 1] <= alpha/2,
      and u the smallest that has P[Bin(n, p) >= u] <= alpha/2 (Conover 1999, 3.2): at least the
      given confidence for any distribution.
    - `bca`: Efron's (1987) bootstrap interval, see `_bca_ranks`; it never reaches beyond the least
      and the greatest outcome, and covers less.
    """
    assert 0 < p < 1, "p is strictly between 0 and 1"
    ordered = np.sort(np.asarray(outcomes, dtype=np.float64))
    n = ordered.size
    assert n >= 1, "a quantile needs a network"
    ranks = _exact_ranks if method == "exact" else _bca_ranks
    low, high = ranks(n, p, confidence)
    return Estimate(
        value=float(ordered[_rank(n, p) - 1]),
        lower=float(ordered[low - 1]) if low >= 1 else 0.0,
        upper=float(ordered[high - 1]) if high <= n else float("inf"),
        n=n,
        confidence=confidence,
    )


def quartiles(outcomes: ArrayLike, confidence: float = 0.95) -> tuple[Estimate, ...]:
    """The three quartiles of `outcomes`, each with its own exact interval."""
    return tuple(quantile(outcomes, p, confidence) for p in QUARTILES)


def column_quantiles(outcomes: ArrayLike, shares: Sequence[float]) -> FloatArray:
    """The `shares`-quantiles (k, m) of each column of `outcomes` (n, m), by the inverse EDF.

    What is NaN is not there; a column of nothing else has no quantile (NaN).
    """
    values = np.sort(np.asarray(outcomes, dtype=np.float64), axis=0)  # NaN last
    counts = (~np.isnan(values)).sum(axis=0)
    ranks = np.array([[_rank(int(n), share) for n in counts] for share in shares], dtype=np.intp)
    return np.asarray(np.take_along_axis(values, ranks - 1, axis=0))


def mean(
    errors: ArrayLike,
    confidence: float = 0.95,
    method: Literal["likelihood", "bca"] = "likelihood",
) -> Estimate:
    """The mean of finite `errors` with an interval.

    `likelihood` is empirical likelihood (`resampling.likelihood_interval`), `bca` Efron's interval
    in closed form (`resampling.abc_interval`). On the skewed errors of a real space the former
    covers nearer to what it says; see docs/method.md.
    """
    values = np.asarray(errors, dtype=np.float64)
    interval = likelihood_interval if method == "likelihood" else abc_interval
    return interval(values, confidence)


def _rank(n: int, p: float) -> int:
    """The smallest rank r with r/n >= p, whatever 0.07 * 100 is in binary."""
    return max(int(np.ceil(n * p - 1e-9)), 1)


def _exact_ranks(n: int, p: float, confidence: float) -> tuple[int, int]:
    alpha = 1 - confidence
    cdf = stats.binom.cdf(np.arange(n + 1), n, p)  # cdf[k] = P[Bin <= k]
    low = int(np.searchsorted(cdf, alpha / 2, side="right"))  # ranks 1..low keep P <= alpha/2
    return low, int(np.searchsorted(cdf, 1 - alpha / 2, side="left")) + 1


def _bca_ranks(n: int, p: float, confidence: float) -> tuple[int, int]:
    """The ranks at which the BCa interval of a quantile ends, whatever the outcomes are.

    The bootstrap distribution needs no resampling: a resample's quantile is at most x_(i) with
    the probability P[Bin(n, i/n) >= r], r the quantile's rank. Its bias is half of what lies on
    x_(r) itself with what lies below, and the jackknife has two values only, from which the
    acceleration is (2q - 1) / (6 sqrt(n q (1 - q))) with q the share that gives the greater one.
    """
    rank = _rank(n, p)
    reached = np.asarray(
        stats.binom.sf(rank - 1, n, np.arange(n + 1) / n)
    )  # P[quantile <= x_(i)], i = 0..n
    bias = float(stats.norm.ppf((reached[rank - 1] + reached[rank]) / 2))
    share = _rank(n - 1, p) / n if n > 1 else 1.0
    spread = np.sqrt(n * share * (1 - share))
    acceleration = float((2 * share - 1) / (6 * spread)) if spread else 0.0
    low, high = np.searchsorted(reached, bca_levels(bias, acceleration, confidence))
    return max(int(low), 1), min(int(high), n)
