"""The distribution of a population's errors: EDF, quantiles, and how good the best one is.

Networks that diverged, ran out of memory or failed are counted in n and are never below an
error: the EDF levels off below 1, and a quantile that falls among them is infinite.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from dse.analysis.estimate import Estimate, FloatArray

QUARTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True, kw_only=True)
class Edf:
    """An empirical distribution function with a simultaneous confidence band.

    `errors` (m,) are the distinct finite errors in rising order. `fraction`, `lower` and `upper`
    (m,) hold just above each of them, up to the next; `half_width` is the band's before it is
    clipped to [0, 1]. `n` counts every network, those without an error too.
    """

    errors: FloatArray
    fraction: FloatArray
    lower: FloatArray
    upper: FloatArray
    half_width: float
    n: int
    confidence: float

    def at(self, error: ArrayLike) -> FloatArray:
        """F(e) = (1/n) sum 1[e_i < e] at any errors: the strict inequality of RegNet."""
        steps = np.concatenate([[0.0], self.fraction])
        return np.asarray(steps[np.searchsorted(self.errors, error, side="left")])


def edf(errors: ArrayLike, n_total: int, confidence: float = 0.95) -> Edf:
    """EDF of finite `errors` among `n_total` networks, with the Dvoretzky-Kiefer-Wolfowitz band.

    F(e) = (1/n) sum 1[e_i < e] (Radosavovic et al. 2020). Half width sqrt(ln(2/alpha) / 2n), the
    constant of Massart (1990): the whole true curve lies in the band with at least the given
    confidence, for any distribution and any n, if the networks were drawn independently.
    """
    values = np.asarray(errors, dtype=np.float64)
    assert n_total >= 1, "an EDF needs a network"
    assert values.size <= n_total, "more errors than networks"
    assert np.isfinite(values).all(), "an error is finite; others are counted in n_total alone"
    distinct, counts = np.unique(values, return_counts=True)
    fraction = np.cumsum(counts) / n_total
    half_width = float(np.sqrt(np.log(2 / (1 - confidence)) / (2 * n_total)))
    return Edf(
        errors=distinct,
        fraction=fraction,
        lower=np.clip(fraction - half_width, 0, 1),
        upper=np.clip(fraction + half_width, 0, 1),
        half_width=half_width,
        n=n_total,
        confidence=confidence,
    )


def quantile(outcomes: ArrayLike, p: float, confidence: float = 0.95) -> Estimate:
    """The p-quantile of `outcomes` (errors, `inf` = ended badly) with an exact interval.

    The estimate is the smallest outcome x with F(x) >= p (inverse EDF: never an average of an
    error and infinity). The bounds are the order statistics x_(l) and x_(u), with l the largest
    rank that has P[Bin(n, p) <= l - 1] <= alpha/2, and u the smallest that has
    P[Bin(n, p) >= u] <= alpha/2 (Conover 1999, 3.2): at least the given confidence for any
    distribution. Where n is too small for a rank, the bound is 0 or infinity: errors are not
    negative.
    """
    assert 0 < p < 1, "p is strictly between 0 and 1"
    ordered = np.sort(np.asarray(outcomes, dtype=np.float64))
    n = ordered.size
    assert n >= 1, "a quantile needs a network"
    alpha = 1 - confidence
    cdf = stats.binom.cdf(np.arange(n + 1), n, p)  # cdf[k] = P[Bin <= k]
    low = int(np.searchsorted(cdf, alpha / 2, side="right"))  # ranks 1..low keep P <= alpha/2
    high = int(np.searchsorted(cdf, 1 - alpha / 2, side="left")) + 1
    return Estimate(
        value=float(ordered[max(int(np.ceil(n * p - 1e-9)), 1) - 1]),
        lower=float(ordered[low - 1]) if low >= 1 else 0.0,
        upper=float(ordered[high - 1]) if high <= n else float("inf"),
        n=n,
        confidence=confidence,
    )


def quartiles(outcomes: ArrayLike, confidence: float = 0.95) -> tuple[Estimate, ...]:
    """The three quartiles of `outcomes`, each with its own exact interval."""
    return tuple(quantile(outcomes, p, confidence) for p in QUARTILES)


def share_beyond_best(n: int, confidence: float = 0.95) -> float:
    """The largest share of the space that may still beat the best of n networks drawn from it.

    If a share s is better than the best found, n independent draws all missed it, which has the
    probability (1 - s)^n; so s <= 1 - alpha^(1/n) with the given confidence (Wilks 1941). It
    speaks of one training each, seed noise included.
    """
    assert n >= 1, "a best needs a network"
    return float(1 - (1 - confidence) ** (1 / n))
