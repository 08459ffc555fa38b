"""By how much do two populations differ? Always A less B, or A over B: below 0, or 1, A is better.

Quantiles take outcomes with `inf` for networks that ended badly. Means need finite numbers: there
such a network counts as one that guesses (`dse.analysis.population.capped`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from dse.analysis.estimate import Estimate, FloatArray
from dse.analysis.intervals import t_interval

NEGLIGIBLE = 1e-7
"""Order statistics that a resample has less often as its quantile are left out."""


def quantile_difference(
    a: ArrayLike, b: ArrayLike, p: float = 0.5, confidence: float = 0.95
) -> Estimate:
    """p-quantile of `a` (n,) less that of `b` (m,), with the percentile bootstrap in closed form.

    A resample's quantile is its k-th order statistic, k = ceil(n p), and it is at most x_(i) with
    the probability P[Bin(n, i/n) >= k] (Maritz & Jarrett 1978; Hutson & Ernst 2000). So the
    bootstrap distribution of the difference is known without drawing. A bound is infinite where a
    quantile may fall among networks that ended badly; where both do, there is no value (NaN).
    """
    assert 0 < p < 1, "p is strictly between 0 and 1"
    (x, in_x, value_x), (y, in_y, value_y) = (_resampled_quantile(side, p) for side in (a, b))
    with np.errstate(invalid="ignore"):  # inf - inf: may be anything
        differences = (x[:, None] - y[None, :]).ravel()
        value = float(np.subtract(value_x, value_y))
    weights = np.outer(in_x, in_y).ravel()
    tail = (1 - confidence) / 2
    return Estimate(
        value=value,
        lower=_weighted_quantile(_worst(differences), weights, tail),
        upper=-_weighted_quantile(_worst(-differences), weights, tail),
        n=np.size(a) + np.size(b),
        confidence=confidence,
    )


def mean_difference(a: ArrayLike, b: ArrayLike, confidence: float = 0.95) -> Estimate:
    """Mean of finite `a` (n,) less mean of `b` (m,), with the interval of Welch (1947).

    Student's t on the degrees of freedom of Welch and Satterthwaite: variances may differ.
    Infinite bounds where a side has one network, or neither side varies.
    """
    value, error, freedom = _welch(a, b)
    return t_interval(value, error, freedom, np.size(a) + np.size(b), confidence)


def mean_p_value(a: ArrayLike, b: ArrayLike) -> float:
    """Two-sided p-value of equal means, of the same t as `mean_difference`; 1 without bounds."""
    value, error, freedom = _welch(a, b)
    return float(2 * stats.t.sf(abs(value) / error, freedom)) if freedom else 1.0


def typical_ratio(log_difference: Estimate) -> Estimate:
    """A difference of mean logarithms of errors as a ratio of geometric means, bounds alike."""
    lower, value, upper = np.exp(
        [log_difference.lower, log_difference.value, log_difference.upper]
    ).tolist()
    return Estimate(
        value=value,
        lower=lower,
        upper=upper,
        n=log_difference.n,
        confidence=log_difference.confidence,
    )


def _welch(a: ArrayLike, b: ArrayLike) -> tuple[float, float, float]:
    """Difference of means, its standard error, and degrees of freedom, 0 if there are none."""
    sides = [np.asarray(side, dtype=np.float64) for side in (a, b)]
    assert all(np.isfinite(side).all() for side in sides), "a mean is of finite numbers"
    value = float(sides[0].mean() - sides[1].mean())
    if min(side.size for side in sides) < 2:
        return value, float("inf"), 0.0
    parts = np.array([side.var(ddof=1) / side.size for side in sides])
    if parts.sum() == 0:
        return value, float("inf"), 0.0
    freedom = parts.sum() ** 2 / sum(
        part**2 / (side.size - 1) for part, side in zip(parts, sides, strict=True)
    )
    return value, float(np.sqrt(parts.sum())), float(freedom)


def _resampled_quantile(outcomes: ArrayLike, p: float) -> tuple[FloatArray, FloatArray, float]:
    """What a resample's p-quantile may be, how probably, and what the sample's is."""
    ordered = np.sort(np.asarray(outcomes, dtype=np.float64))
    n = ordered.size
    k = max(int(np.ceil(n * p - 1e-9)), 1)
    at_most = stats.binom.sf(k - 1, n, np.arange(n + 1) / n)
    weights = np.diff(at_most)
    likely = weights > NEGLIGIBLE
    return ordered[likely], weights[likely] / weights[likely].sum(), float(ordered[k - 1])


def _worst(differences: FloatArray) -> FloatArray:
    return np.where(np.isnan(differences), -np.inf, differences)


def _weighted_quantile(values: FloatArray, weights: FloatArray, p: float) -> float:
    order = np.argsort(values, kind="stable")
    place = int(np.searchsorted(np.cumsum(weights[order]), p * (1 - 1e-12)))
    return float(values[order[min(place, len(order) - 1)]])
