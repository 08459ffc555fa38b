"""How much of a population's spread is the networks', and how much the luck of the seed?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from dse.analysis.estimate import Estimate, FloatArray
from dse.analysis.population import first_seeds, outcomes
from dse.analysis.reliability import MINIMUM_NETWORKS, seed_table


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Standard deviations [error fraction] over the networks that ended well.

    `one_seed` is that of one training each, `seed` that of one network's trainings, `network` what
    is left of the first without the second: that of errors averaged over all seeds.
    """

    one_seed: Estimate
    seed: Estimate
    network: Estimate


def spread(
    population: pd.DataFrame, random_subset: int, *, confidence: float = 0.95
) -> Spread | None:
    """The spread of one study's population; `random_subset` as in `reliability`.

    None where fewer than three of these networks ended well with two seeds.
    """
    result = outcomes(first_seeds(population))
    repeated = seed_table(population, random_subset)
    repeated = repeated[np.isfinite(repeated).all(axis=1)]
    if len(repeated) < MINIMUM_NETWORKS:
        return None
    return components(result[np.isfinite(result)], repeated, confidence=confidence)


def components(first: FloatArray, repeated: FloatArray, *, confidence: float = 0.95) -> Spread:
    """Variance components of `first` (n,), one error a network, and `repeated` (m, k) of some.

    One-way random effects: variance of one training = that of networks + that of seeds. The first
    is the sample variance of `first`, the last the within mean square of `repeated`, and the
    difference the networks' (method of moments; Searle, Casella & McCulloch 1992). Intervals by the
    jackknife over networks on the logarithm of the variance (Miller 1974), which assumes no
    normality; where a networks' variance near zero is not ruled out, its lower bound is zero. The
    covariance of both parts, which share m networks, is neglected.
    """
    n, m = len(first), len(repeated)
    assert min(n, m) >= MINIMUM_NETWORKS, "too few networks"
    squares = (first - first.mean()) ** 2
    total = float(squares.sum() / (n - 1))
    left_out = (squares.sum() - squares * n / (n - 1)) / (n - 2)
    within = repeated.var(axis=1, ddof=1)
    noise = float(within.mean())
    error = _jackknife(left_out), float(within.var(ddof=1) / m)
    return Spread(
        one_seed=_root(total, error[0], n, n - 1, confidence),
        seed=_root(noise, error[1], m, m - 1, confidence),
        network=_root(total - noise, error[0] + error[1], n, m - 1, confidence),
    )


def _jackknife(left_out: FloatArray) -> float:
    """Tukey's (1958) variance of a statistic from its n values without one network each."""
    n = left_out.size
    return float((n - 1) / n * np.sum((left_out - left_out.mean()) ** 2))


def _root(variance: float, error: float, n: int, freedom: int, confidence: float) -> Estimate:
    """A standard deviation from a variance with a squared standard error."""
    half = float(stats.t.ppf((1 + confidence) / 2, freedom)) * float(np.sqrt(error))
    if variance > half:
        stretch = np.exp(half / variance)
        lower, upper = variance / stretch, variance * stretch
    else:
        lower, upper = 0.0, max(variance, 0.0) + half
    value, low, high = np.sqrt([max(variance, 0.0), lower, upper]).tolist()
    return Estimate(value=value, lower=low, upper=high, n=n, confidence=confidence)
