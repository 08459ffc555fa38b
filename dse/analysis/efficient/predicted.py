"""Prediction-powered inference: many networks under a cheap proxy, a few of them under a dear one.

The cheap error of a network predicts its dear one. It may be biased or bad: its mean over all
networks is known, so it is a control variate like any other, and the interval for the dear proxy
holds whatever it is worth (Angelopoulos et al. 2023; the weight is fitted, as in PPI++,
Angelopoulos, Duchi & Zrnic 2023).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from dse.analysis.efficient.control import Adjusted, Measured, adjusted_mean
from dse.analysis.estimate import Estimate, FloatArray

MOST_CANDIDATES = 1000


def predicted_mean(
    dear: FloatArray,
    cheap: FloatArray,
    trained: NDArray[np.int64],
    *,
    features: FloatArray | None = None,
    confidence: float = 0.95,
) -> Adjusted:
    """Mean of the dear outcome over the networks' space.

    `cheap` (N,) are finite outcomes of networks drawn independently; `trained` (n,) the positions
    in it of those that have a `dear` (n,) one too, chosen at random or as the first by index.
    `features` (N, p) on paper of all N may help. The interval counts that the N are a sample.
    """
    known = cheap[:, None] if features is None else np.column_stack([cheap, features])
    measured = Measured(
        features=known[trained], outcomes=dear, space_means=known.mean(axis=0), space_n=len(cheap)
    )
    return adjusted_mean(measured, confidence=confidence)


def predicted_quantile(
    dear: FloatArray,
    cheap: FloatArray,
    trained: NDArray[np.int64],
    p: float,
    *,
    confidence: float = 0.95,
) -> Estimate:
    """The p-quantile of the dear outcome (`inf` = ended badly), arguments as `predicted_mean`.

    With c the p-quantile of the cheap outcome, the share of networks with a dear one of at most t
    is estimated for each t by the mean of 1[dear <= t] less w times how much the trained networks'
    mean of 1[cheap <= c] is off that of all N; w by least squares. The interval holds every t at
    which a test of that share being p does not reject: |F(t) - p| <= t-quantile x standard error,
    that of two-phase sampling, under F(t) = p. A bound is 0 or infinity where n is too small.
    """
    assert 0 < p < 1, "p is strictly between 0 and 1"
    assert len(dear) >= 3, "a fitted weight needs three networks"
    n = len(dear)
    ordered = np.sort(dear)
    picks = np.unique(np.linspace(0, n - 1, min(n, MOST_CANDIDATES)).astype(int))
    candidates = ordered[picks]
    cut = np.sort(cheap)[max(int(np.ceil(p * len(cheap) - 1e-9)), 1) - 1]
    z = (cheap <= cut).astype(np.float64)
    few, spread = z[trained], float(z[trained].var())
    share = np.searchsorted(ordered, candidates, side="right") / n
    together = np.cumsum(few[np.argsort(dear, kind="stable")])
    joint = together[np.searchsorted(ordered, candidates, side="right") - 1] / n
    slope = (joint - share * few.mean()) / spread if spread > 0 else np.zeros(len(share))
    found = share - slope * (few.mean() - z.mean())
    explained = np.minimum(slope**2 * spread / np.maximum(share * (1 - share), 1 / n**2), 1.0)
    total = p * (1 - p)
    error = np.sqrt(total * ((1 - explained) / (n - 2) + explained / len(cheap)))
    half = special.stdtrit(n - 2, (1 + confidence) / 2) * error
    below, above = found + half < p, found - half > p
    low = int(np.flatnonzero(below)[-1]) + 1 if below.any() else 0
    high = int(np.flatnonzero(above)[0]) if above.any() else len(candidates)
    best = int(np.searchsorted(np.maximum.accumulate(found), p - 1e-9))
    return Estimate(
        value=float(candidates[min(best, len(candidates) - 1)]),
        lower=float(candidates[min(low, len(candidates) - 1)]) if below.any() else 0.0,
        upper=float(candidates[high]) if high < len(candidates) else float("inf"),
        n=n,
        confidence=confidence,
    )
