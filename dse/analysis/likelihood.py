"""The interval of a mean by empirical likelihood: no random numbers, the same result every time."""

from __future__ import annotations

import numpy as np
from scipy import optimize, stats

from dse.analysis.estimate import Estimate, FloatArray

_STEEPEST = 600.0  # e^-600 is still a number


def likelihood_interval(values: FloatArray, confidence: float = 0.95) -> Estimate:
    """The mean of independent `values` with an interval by empirical likelihood.

    All means mu are in it whose likeliest weights on the values have
    -2 sum ln(n w_i) <= F(1, n - 1) quantile x Bartlett's factor (Owen 2001, "Empirical
    Likelihood", 2.9; DiCiccio, Hall & Romano 1991, the factor 1 + (kurtosis/2 - skewness^2/3)/n
    estimated and never taken below 1). It follows the values' skewness and stays between the
    least and the greatest. Also for a statistic's jackknife pseudo-values (Jing, Yuan & Zhou
    2009). Two values are needed that differ: else the bounds are infinite.
    """
    n = values.size
    assert n >= 1, "a mean needs a value"
    assert np.isfinite(values).all(), "a mean needs finite values"
    ordered = np.sort(values)  # so that the order of rows changes no bit
    mean = float(ordered.mean())
    scale = float(ordered.std())
    if ordered[0] == ordered[-1] or scale == 0:
        return Estimate(value=mean, lower=-np.inf, upper=np.inf, n=n, confidence=confidence)
    deviations = (ordered - mean) / scale
    shape = (deviations**4).mean() / 2 - (deviations**3).mean() ** 2 / 3
    limit = float(stats.f.ppf(confidence, 1, n - 1)) * max(1 + shape / n, 1.0)
    lower, upper = (_likelihood_bound(sign * deviations, limit) for sign in (1, -1))
    return Estimate(
        value=mean,
        lower=max(mean + scale * lower, float(ordered[0])),
        upper=min(mean - scale * upper, float(ordered[-1])),
        n=n,
        confidence=confidence,
    )


def _likelihood_bound(deviations: FloatArray, limit: float) -> float:
    """The least mean that the likelihood does not refuse; `deviations` have the mean 0.

    Weights are 1 / (n c (1 + t d_i)), with c such that their sum is 1; the ratio rises with t from
    0 at t = 0 without bound, where the least deviation's weight becomes 1. The unknown is y, with
    1 + t d_i = e^-y for that one.
    """
    room = 1 - deviations / float(deviations.min())

    def terms(y: float) -> FloatArray:
        gap = np.exp(-y)
        return np.asarray(gap + (1 - gap) * room)

    def excess(y: float) -> float:
        found = terms(y)
        return float(2 * (found.size * np.log(np.mean(1 / found)) + np.log(found).sum()) - limit)

    if excess(_STEEPEST) < 0:
        return float(deviations.min())
    weights = 1 / terms(optimize.brentq(excess, 0.0, _STEEPEST, xtol=1e-10, rtol=1e-10))
    return float(weights @ deviations / weights.sum())
