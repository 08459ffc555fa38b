"""How much of the spread something explains: the F test, and what could be true given it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from dse.analysis.estimate import Estimate, FloatArray

LARGEST = 1e6
"""An effect this many times the noise is all there is."""
LEAST_FREE = 10
"""Fewer degrees of freedom than that are no measure of noise."""


@dataclass(frozen=True, kw_only=True)
class FTest:
    """`p_value` of no effect; `size`, the standard deviation of the effect; `share` of variance."""

    p_value: float
    size: Estimate
    share: Estimate


def f_test(
    explained: float, left: float, degrees: int, free: int, n: int, confidence: float = 0.95
) -> FTest:
    """Of `n` numbers, sums of squares with `degrees` and `free` degrees of freedom.

    With f = (explained / degrees) / (left / free), the bounds are the non-centralities c at which f
    is the upper and the lower tail of F(degrees, free, c) (Steiger 2004), of which the size is
    sqrt(c s^2 / n) and the share c / (c + n); s^2 = left / free. The values are freed of what noise
    alone explains. It takes noise to be alike everywhere and nearly normal: ranks are.
    """
    variance = max(left / free, explained / degrees / LARGEST, 1e-300)
    statistic = explained / degrees / variance
    tails = np.array([(1 + confidence) / 2, (1 - confidence) / 2])
    lower, upper = noncentrality(statistic, degrees, free, tails)
    value = min(max(explained / variance - degrees, lower), upper)
    bounds = np.array([value, lower, upper])

    def estimate(numbers: FloatArray) -> Estimate:
        middle, low, high = numbers.tolist()
        return Estimate(value=middle, lower=low, upper=high, n=n, confidence=confidence)

    return FTest(
        p_value=float(stats.f.sf(statistic, degrees, free)),
        size=estimate(np.sqrt(bounds * variance / n)),
        share=estimate(bounds / (bounds + n)),
    )


def noncentrality(statistic: float, rank: int, degrees: int, below: FloatArray) -> FloatArray:
    """The non-centralities at which shares `below` of F(rank, degrees) lie below `statistic`.

    0 where even the central distribution has less below it.
    """
    reached = special.ncfdtr(rank, degrees, 0.0, statistic)
    found = np.zeros(len(below))
    for place in np.flatnonzero(reached > below):
        low, high = 0.0, max(4.0 * rank * statistic, 50.0)
        while special.ncfdtr(rank, degrees, high, statistic) > below[place]:
            low, high = high, 4 * high
        for _ in range(50):
            middle = (low + high) / 2
            above = special.ncfdtr(rank, degrees, middle, statistic) > below[place]
            low, high = (middle, high) if above else (low, middle)
        found[place] = (low + high) / 2
    return found
