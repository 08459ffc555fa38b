"""How probable it is that all order statistics of uniform numbers lie in their equal-level bounds.

The recursion is that of Moscovich & Nadler (2017), "Fast calculation of boundary crossing
probabilities for Poisson processes": the number of uniform points below t is a Poisson process of
rate n, given that it ends at n. It is carried from one bound to the next with all counts that the
bounds allow, exactly up to rounding.
"""

from __future__ import annotations

from functools import lru_cache
from math import exp, log

import numpy as np
from scipy import optimize, special, stats

from dse.analysis.estimate import FloatArray

EXACT = 2000
_TINY = 1e-15


def holding_probability(n: int, level: float) -> float:
    """P[l_i <= U_(i) <= u_i for all i] of n uniform numbers.

    l_i and u_i are the level/2 and 1 - level/2 quantiles of U_(i), which is Beta(i, n + 1 - i).
    Only the half below 1/2 is walked: the bounds are symmetric, so the other half is its mirror.
    """
    ranks = np.arange(1, n + 1)
    lower = special.betaincinv(ranks, n + 1 - ranks, level / 2)
    upper = 1 - lower[::-1]
    lower, upper = lower[lower <= 0.5], upper[upper <= 0.5]
    times = np.concatenate([lower, upper, [0.5]])
    order = np.argsort(times, kind="stable")
    times = times[order]
    # Up to l_i at most i - 1 points have come, at u_i at least i.
    most = np.concatenate([np.arange(lower.size), np.full(upper.size + 1, lower.size)])[order]
    most = np.minimum.accumulate(most[::-1])[::-1]
    least = np.concatenate([np.zeros(lower.size), np.arange(1, upper.size + 1), [0.0]])[order]
    least = np.maximum.accumulate(least.astype(np.int64))
    chance, first = np.ones(1), 0
    steps = _arrivals(n * np.diff(times, prepend=0.0))
    for arrivals, low, high in zip(steps, least, most, strict=True):
        chance = np.convolve(chance, arrivals)
        cut = max(low - first, 0)
        chance = chance[cut : high - first + 1]
        first += cut
    half = np.zeros(n + 1)
    half[first : first + chance.size] = chance
    return float(half @ half[::-1] / stats.poisson.pmf(n, n))


def _arrivals(means: FloatArray) -> FloatArray:
    """Poisson probabilities (steps, counts), with as many counts as the largest mean needs."""
    counts = np.arange(int(stats.poisson.isf(_TINY, means.max())) + 2)
    rates = means[:, None]
    return np.asarray(np.exp(special.xlogy(counts, rates) - rates - special.gammaln(counts + 1)))


@lru_cache(maxsize=256)
def local_level(n: int, confidence: float) -> float:
    """The level of each bound with which all n hold at once with probability `confidence`.

    Exact up to n = 2,000. At a fixed level, the logarithm of the probability is in the limit linear
    in ln n (the standardised empirical process is stationary in time ln(t / (1 - t))), and beyond
    it is extrapolated so from n = 500 and 2,000. By the recursion, the 95 % of such bounds are
    94.98 % at n = 10,000 and 94.96 % at n = 100,000.
    """

    def excess(log_level: float) -> float:
        level = exp(log_level)
        if n <= EXACT:
            return log(holding_probability(n, level) / confidence)
        near, far = (log(holding_probability(m, level)) for m in (EXACT // 4, EXACT))
        return near + (far - near) * log(4 * n / EXACT) / log(4) - log(confidence)

    alpha = 1 - confidence
    if n == 1:
        return alpha
    return exp(optimize.brentq(excess, log(alpha / (2 * n)), log(alpha), xtol=1e-4))
