"""How large is the difference? Intervals over pairs, which are independent draws of networks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from dse.analysis.distributions.quantiles import quantile_bounds
from dse.analysis.estimate import Estimate, FloatArray
from dse.analysis.factors.effects import spearman
from dse.analysis.likelihood import likelihood_interval
from dse.analysis.paired.pairs import Pairs

MINIMUM_PAIRS = 3
ENOUGH_PAIRS = 150  # for the interval of a mean that few bad networks make


def mean_interval(values: FloatArray, confidence: float = 0.95) -> Estimate:
    """Mean of finite `values` (n,) with Hall's (1992) interval, Student's t corrected for skewness.

    With t = (mean - mu) / (s / sqrt(n)), x = t / sqrt(n) and skewness g, the cubic
    x + g x^2/3 + g^2 x^3/27 + g/(6n) has lost the skewness of t; its inverse at the quantiles of
    Student's t gives the bounds. Infinite below three values or where all are equal.
    """
    n = len(values)
    assert n >= 1, "a mean needs a value"
    assert np.isfinite(values).all(), "a mean needs finite values"
    mean, spread = float(values.mean()), float(values.std())
    lower, upper = -np.inf, np.inf
    if n >= MINIMUM_PAIRS and np.ptp(values) > 0:
        skewness = float(stats.skew(values))
        reach = float(stats.t.ppf((1 + confidence) / 2, n - 1)) / np.sqrt(n - 1)
        lower = mean - spread * float(without_skewness(reach, skewness, n))
        upper = mean - spread * float(without_skewness(-reach, skewness, n))
    return Estimate(value=mean, lower=lower, upper=upper, n=n, confidence=confidence)


def without_skewness(x: ArrayLike, skewness: ArrayLike, n: ArrayLike) -> FloatArray:
    """The inverse of Hall's cubic at `x`, for a mean of `n` values; all broadcast."""
    x, skewness = np.broadcast_arrays(np.asarray(x, float), np.asarray(skewness, float))
    little = np.abs(skewness) < 1e-6  # the cubic is x itself there
    g = np.where(little, 1.0, skewness)
    cubic = 3 / g * (np.cbrt(1 + g * (x - g / (6 * np.asarray(n)))) - 1)
    return np.where(little, x, cubic)


def mean_difference(pairs: Pairs, confidence: float = 0.95) -> Estimate:
    """Mean error [fraction] of the first arm less that of the second, same networks.

    Over capped outcomes, with `likelihood_interval`. Where a few bad networks make most of the
    mean, no interval that was tried holds at n = 100 (docs/method.md): below `ENOUGH_PAIRS` the
    bounds are infinite, and the `ratio` and the median have to do.
    """
    found = likelihood_interval(pairs.differences, confidence)
    return found if found.n >= ENOUGH_PAIRS else replace(found, lower=-np.inf, upper=np.inf)


def median_difference(differences: FloatArray, confidence: float = 0.95) -> Estimate:
    """Median of `differences` (n,), `inf` and `-inf` allowed, with `quantile_bounds`.

    They are infinite below six pairs. Of two middle values the lower one.
    """
    ordered = np.sort(differences)
    lower, upper = quantile_bounds(ordered, 0.5, confidence)
    return Estimate(
        value=float(ordered[(len(ordered) - 1) // 2]),
        lower=lower,
        upper=upper,
        n=len(ordered),
        confidence=confidence,
    )


def log_ratios(pairs: Pairs) -> FloatArray | None:
    """Logarithm of the first arm's capped error over the second's (n,).

    None where a network makes no error at all, which has no ratio.
    """
    if not (pairs.capped > 0).all():
        return None
    return np.asarray(np.log(pairs.capped[:, 0] / pairs.capped[:, 1]))


def ratio(pairs: Pairs, confidence: float = 0.95) -> Estimate | None:
    """Geometric mean of the ratio of errors, first arm to second, of capped outcomes.

    The exponential of the mean log ratio with its interval.
    """
    logs = log_ratios(pairs)
    if logs is None:
        return None
    found = mean_interval(logs, confidence)
    with np.errstate(over="ignore"):
        value, lower, upper = np.exp([found.value, found.lower, found.upper])
    return Estimate(
        value=float(value),
        lower=float(lower),
        upper=float(upper),
        n=found.n,
        confidence=confidence,
    )


def pairing_gain(pairs: Pairs, confidence: float = 0.95) -> Estimate | None:
    """How many times as many networks an arm two independent samples need: 1 / (1 - rho).

    For outcomes of equal variance under both arms and of correlation rho,
    (var a + var b) / var(a - b). Here rho is Spearman's, the correlation of ranks: the variances
    themselves are those of a few bad networks, and no interval of them covers. None below four
    pairs or where an arm does not vary.
    """
    rho = spearman(pairs.outcomes[:, 0], pairs.outcomes[:, 1], confidence)
    if rho is None:
        return None
    with np.errstate(divide="ignore"):
        value, lower, upper = 1 / (1 - np.array([rho.value, rho.lower, rho.upper]))
    return Estimate(
        value=float(value), lower=float(lower), upper=float(upper), n=rho.n, confidence=confidence
    )


def cost_dependence(pairs: Pairs, confidence: float = 0.95) -> Estimate | None:
    """Does the difference depend on the network? Its rank correlation with multiply-adds.

    Spearman's rho of capped differences; None below four pairs of known cost, or where one side
    does not vary.
    """
    known = np.isfinite(pairs.costs)
    return spearman(pairs.costs[known], pairs.differences[known], confidence)
