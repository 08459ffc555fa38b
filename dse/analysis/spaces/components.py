"""How much of a population's spread is the networks', and how much the luck of the seed?

A population of errors has a long tail of bad networks, by which a standard deviation is ruled, and
no interval for it holds what it promises. So the spread here is that of the middle half.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from dse.analysis.estimate import Estimate, FloatArray
from dse.analysis.population import first_seeds, outcomes
from dse.analysis.reliability import MINIMUM_NETWORKS, seed_table

NORMAL_QUARTILES = float(2 * stats.norm.ppf(0.75))
"""The interquartile range of a normal distribution in standard deviations."""
DRAWS = 4000


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Standard deviations [error fraction], all but `seed` as the middle half tells them.

    `one_seed` is that of one training of each network, `seed` that of one network's trainings, and
    `network` what the first would be without the second.
    """

    one_seed: Estimate
    seed: Estimate
    network: Estimate


def spread(
    population: pd.DataFrame, random_subset: int, *, confidence: float = 0.95, seed: int = 0
) -> Spread | None:
    """The spread of one study's population; `random_subset` as in `reliability`.

    None where fewer than three of these networks ended well with two seeds, no two seeds differ
    (the noise is below what the held-out images can show), or a quartile falls among networks that
    ended badly.
    """
    result = outcomes(first_seeds(population))
    repeated = seed_table(population, random_subset)
    repeated = repeated[np.isfinite(repeated).all(axis=1)]
    if len(repeated) < MINIMUM_NETWORKS or not np.ptp(repeated, axis=1).any():
        return None
    if not np.isfinite(np.quantile(result, 0.75)):
        return None
    return components(result, repeated, confidence=confidence, seed=seed)


def components(
    first: FloatArray, repeated: FloatArray, *, confidence: float = 0.95, seed: int = 0
) -> Spread:
    """Spread of `first` (n,), one outcome a network, less the seed noise of `repeated` (m, k).

    One training's variance is that of networks plus that of seeds (one-way random effects). Of
    the first the standard deviation is the interquartile range over 1.349, that of a normal
    distribution with these quartiles, with the percentile bootstrap; of the seeds it is the root
    of the within mean square, with a normal interval on the logarithm, by the kurtosis found but
    no less than a normal's. The networks' variance is the difference of the two squares; its
    interval is built from theirs (MOVER, Zou & Donner 2008), and begins at zero where noise alone
    is not ruled out.
    """
    assert min(len(first), len(repeated)) >= MINIMUM_NETWORKS, "too few networks"
    whole = _middle_half(first, confidence, seed)
    noise = _seed_noise(repeated, confidence)
    total, low, high = whole.value**2, whole.lower**2, whole.upper**2
    within, least, most = noise.value**2, noise.lower**2, noise.upper**2
    bounds = (
        total - within,
        total - within - np.hypot(total - low, most - within),
        total - within + np.hypot(high - total, within - least),
    )
    value, lower, upper = np.sqrt(np.maximum(bounds, 0)).tolist()
    network = Estimate(value=value, lower=lower, upper=upper, n=len(first), confidence=confidence)
    return Spread(one_seed=whole, seed=noise, network=network)


def _middle_half(outcomes: FloatArray, confidence: float, seed: int) -> Estimate:
    """Interquartile range in standard deviations of a normal; `inf` in the upper bound allowed.

    A resample's k-th order statistic is x_(ceil(n U)), U the k-th of n uniform numbers, so that
    both quartiles of a resample come from two beta-distributed numbers (David & Nagaraja 2003).
    """
    ordered = np.sort(outcomes)
    n = ordered.size
    low, high = max(1, int(np.ceil(n * 0.25))), int(np.ceil(n * 0.75))
    rng = np.random.default_rng(seed)
    first = rng.beta(low, n - low + 1, DRAWS)
    second = first + (1 - first) * rng.beta(high - low, n - high + 1, DRAWS)
    places = [np.clip(np.ceil(n * u).astype(np.int64), 1, n) - 1 for u in (first, second)]
    with np.errstate(invalid="ignore"):  # inf - inf: may be anything
        ranges = ordered[places[1]] - ordered[places[0]]
    tails = ((1 - confidence) / 2, (1 + confidence) / 2)
    ranges = np.where(np.isnan(ranges), np.inf, ranges)
    lower, upper = np.quantile(ranges, tails, method="inverted_cdf") / NORMAL_QUARTILES
    return Estimate(
        value=float(ordered[high - 1] - ordered[low - 1]) / NORMAL_QUARTILES,
        lower=float(lower),
        upper=float(upper),
        n=n,
        confidence=confidence,
    )


def _seed_noise(repeated: FloatArray, confidence: float) -> Estimate:
    m, k = repeated.shape
    within = repeated.var(axis=1, ddof=1)
    noise = float(within.mean())
    relative = float(within.var(ddof=1)) / noise**2 if noise else 0.0
    error = np.sqrt(max(relative, 2 / (k - 1)) / m)
    half = float(stats.t.ppf((1 + confidence) / 2, m - 1)) * float(error)
    value, lower, upper = np.sqrt(noise * np.exp([0, -half, half])).tolist()
    return Estimate(value=value, lower=lower, upper=upper, n=m, confidence=confidence)
