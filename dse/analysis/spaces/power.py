"""How many networks tell A from B? An answer that trusts the populations at hand.

Both spaces are taken to be as their samples say. Where the difference found is mostly luck, so is
the number of networks; its interval, from the difference's own, says how far.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from dse.analysis.estimate import Estimate, FloatArray

MOST = 100_000
POINTS = 512
"""So many pooled quantiles are looked at for the largest gap, at most."""
GRID = np.unique(np.rint(np.geomspace(5, MOST, 120)).astype(np.int64))


def networks_for_mean(
    difference: Estimate, variances: tuple[float, float], *, power: float = 0.8
) -> Estimate:
    """Networks of each space for the interval of a difference of means to leave out zero.

    n = (z_(1 - alpha/2) + z_power)^2 (s_A^2 + s_B^2) / d^2, with `variances` of one network's
    outcome in A and in B: those of the outcomes, or of what control variates leave of them. The
    bounds are n at the ends of the interval of d; the upper one is infinite where it holds zero.
    """
    quantiles = stats.norm.ppf((1 + difference.confidence) / 2) + stats.norm.ppf(power)
    scale = float(quantiles) ** 2 * sum(variances)
    sizes = sorted(abs(bound) for bound in (difference.lower, difference.upper))
    nearest = 0.0 if difference.lower <= 0 <= difference.upper else sizes[0]

    def networks(d: float) -> float:
        return max(float(np.ceil(scale / d**2)), 2.0) if d else float("inf")

    return Estimate(
        value=networks(abs(difference.value)),
        lower=networks(sizes[1]),
        upper=networks(nearest),
        n=difference.n,
        confidence=difference.confidence,
    )


def networks_for_ks(
    a: ArrayLike,
    b: ArrayLike,
    *,
    power: float = 0.8,
    confidence: float = 0.95,
    draws: int = 400,
    seed: int = 0,
) -> float:
    """Networks of each space for Kolmogorov-Smirnov's test to reject with the given power.

    By resampling outcomes `a` (n,) and `b` (m,), `inf` allowed: the least number of a grid of
    steps of about a tenth at which `power` of `draws` pairs of samples have a gap beyond the
    critical one at 1 - confidence. The largest gap of two samples is larger than that of their
    spaces, so both are drawn together first: towards what they have in common, until samples of n
    and m show the gap found in the median. Infinite where samples of one space would show as much,
    and beyond 100,000.
    """
    shares = _shares(np.sort(np.asarray(a, np.float64)), np.sort(np.asarray(b, np.float64)))
    sizes = np.size(a), np.size(b)
    found = float(np.abs(np.cumsum(shares[0] - shares[1])).max())
    common = (sizes[0] * shares[0] + sizes[1] * shares[1]) / sum(sizes)

    def gaps(kept: float, n: int, m: int) -> FloatArray:
        rng = np.random.default_rng(seed)
        below = [
            rng.multinomial(size, common + kept * (share - common), size=draws).cumsum(axis=1)
            / size
            for size, share in zip((n, m), shares, strict=True)
        ]
        return np.asarray(np.abs(below[0] - below[1]).max(axis=1))

    def is_enough(kept: float, n: int) -> bool:
        critical = float(stats.kstwo.isf(1 - confidence, max(1, round(n / 2))))
        return bool((gaps(kept, n, n) > critical).mean() >= power)

    if found <= np.median(gaps(0, *sizes)):
        return float("inf")
    least, most = 0.0, 1.0
    for _ in range(8):
        kept = (least + most) / 2
        least, most = (least, kept) if np.median(gaps(kept, *sizes)) > found else (kept, most)
    low, high = 0, len(GRID)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(most, int(GRID[middle])) else (middle + 1, high)
    return float(GRID[low]) if low < len(GRID) else float("inf")


def _shares(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """How A's and B's networks fall into at most `POINTS` cells between pooled quantiles."""
    pooled = np.sort(np.concatenate([a, b]))
    places = np.unique(np.linspace(0, pooled.size - 1, POINTS).astype(np.int64))
    edges = np.unique(pooled[places])
    counts = [np.diff(np.searchsorted(side, edges, side="right"), prepend=0) for side in (a, b)]
    return counts[0] / a.size, counts[1] / b.size
