"""Confidence bands of a distribution function F, given how many of n values lie at or below x.

All are for independent draws from any distribution; ties make them wider than they need be.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from scipy import special, stats

from dse.analysis.distributions.crossing import local_level
from dse.analysis.estimate import FloatArray

BandKind = Literal["equal_levels", "dkw", "pointwise"]
WORDS: Final[dict[str, str]] = {
    "equal_levels": "simultaneous band (equal local levels)",
    "dkw": "simultaneous band (DKW)",
    "pointwise": "pointwise band (Wilson)",
    "greenwood": "pointwise band (Kaplan-Meier, Greenwood)",
}
_RANKS = 2000


def bounds(
    kind: BandKind, counts: FloatArray, n: float, confidence: float
) -> tuple[FloatArray, FloatArray]:
    """Lower and upper bounds on F(x) where `counts` of `n` values are at most x.

    With weights, n is the effective number and neither has to be whole.

    - `equal_levels`: each order statistic between two quantiles of its beta distribution, all at
      the one level with which all hold at once (Aldor-Noiman et al. 2013, "The power to see").
      Exact, and narrow where F is near 0 or 1.
    - `dkw`: counts/n -+ sqrt(ln(2/alpha) / 2n) (Dvoretzky, Kiefer & Wolfowitz 1956, with the
      constant of Massart 1990). Equally wide everywhere: narrower than the former for F between
      about 0.3 and 0.7, and many times as wide near 0.
    - `pointwise`: Wilson's interval (1927) at each x by itself. The percentile bootstrap at x,
      which needs no resampling as its counts are binomial, says nothing where counts is 0 and
      covers F = 0.02 with 64 % instead of 95 % at n = 50; Wilson's covers 92 %.
    """
    if kind == "pointwise":
        return _wilson(counts / n, n, confidence)
    if kind == "dkw":
        half_width = np.sqrt(np.log(2 / (1 - confidence)) / (2 * n))
        share = counts / n
        return np.clip(share - half_width, 0, 1), np.clip(share + half_width, 0, 1)
    lower = _equal_level_bound(counts, n, confidence)
    return lower, 1 - _equal_level_bound(n - counts, n, confidence)


def _wilson(share: FloatArray, n: float, confidence: float) -> tuple[FloatArray, FloatArray]:
    """Where the score test of the share does not reject it."""
    z = float(stats.norm.ppf((1 + confidence) / 2))
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    spread = share * (1 - share) / n + z * z / (4 * n * n)
    half_width = z * np.sqrt(np.maximum(spread, 0)) / (1 + z * z / n)
    return np.clip(centre - half_width, 0, 1), np.clip(centre + half_width, 0, 1)


def _equal_level_bound(counts: FloatArray, n: float, confidence: float) -> FloatArray:
    """The level/2 quantile of Beta(count, n + 1 - count), 0 where no value has come.

    Of many counts it is computed at 2 x 2,000, finer near both ends, and interpolated between them:
    off by less than a millionth of the band's width.
    """
    level = local_level(max(int(n + 1e-6), 1), confidence)
    # What sums of weights miss by rounding is not to push a count over n.
    counts = np.minimum(counts, n)
    start = float(np.min(counts[counts > 0], initial=n))
    rise = np.geomspace(start, max(n / 2, start), _RANKS)
    grid = counts if counts.size <= _RANKS else np.unique(np.concatenate([rise, n - rise, [n]]))
    grid = np.unique(grid[grid > 0])
    at = special.betaincinv(grid, n + 1 - grid, level / 2)
    return np.interp(counts, np.concatenate([[0.0], grid]), np.concatenate([[0.0], at]))
