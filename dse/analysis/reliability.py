"""Are the differences between networks signal, or the luck of the seed?

The ICC is estimated only from networks that were given a second seed at random (those with an
index below `random_subset`: candidates are independent draws, so the first ones are a random
sample of the population). Networks retrained because their first seed was good must stay out:
they differ less from each other than the population does (range restriction), and their first
errors are lucky (winner's curse); both bias the ICC and the seed noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from dse.analysis.estimate import Estimate, FloatArray
from dse.analysis.population import ENDED_STATES

MINIMUM_NETWORKS = 3


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Seed reliability of one training.

    `networks` were trained to the end with every one of `seeds` seeds and are used; `incomplete`
    ended badly for at least one of them and are not (an ICC needs errors). `icc` and `seed_std`
    [error fraction] are None where fewer than three networks remain; `icc` alone is None where
    all errors are equal.
    """

    networks: int
    seeds: int
    incomplete: int
    icc: Estimate | None
    seed_std: Estimate | None


def seed_table(population: pd.DataFrame, random_subset: int, seeds: int = 2) -> FloatArray:
    """Errors (networks, seeds) of those below `random_subset` whose seeds have all ended.

    NaN where a training ended badly. Networks that still wait for a seed are left out.
    """
    mask = (population["index"] < random_subset) & (population["replicate"] < seeds)
    rows = population[mask & population["state"].isin(ENDED_STATES)]
    errors = rows["error"].where(rows["state"] == "complete").to_numpy(dtype=np.float64)
    networks = rows["index"].to_numpy()
    table = {(i, r): e for i, r, e in zip(networks, rows["replicate"], errors, strict=True)}
    full = [i for i in np.unique(networks) if all((i, r) in table for r in range(seeds))]
    grid = [[table[i, r] for r in range(seeds)] for i in full]
    return np.asarray(grid, dtype=np.float64).reshape(len(full), seeds)


def mean_squares(scores: FloatArray) -> tuple[float, float]:
    """Between- and within-network mean squares of `scores` (networks, seeds)."""
    n, k = scores.shape
    means = scores.mean(axis=1)
    between = k * float(np.sum((means - scores.mean()) ** 2)) / (n - 1)
    within = float(np.sum((scores - means[:, None]) ** 2)) / (n * (k - 1))
    return between, within


def icc(scores: FloatArray, confidence: float = 0.95) -> Estimate | None:
    """ICC(1,1) of `scores` (networks, seeds) with the exact F interval; None if all are equal.

    One-way random effects, (MSB - MSW) / (MSB + (k-1) MSW): the share of one training's variance
    that is the network's (Shrout & Fleiss 1979). Exact for normal errors with equal noise.
    """
    n, k = scores.shape
    if np.ptp(scores) == 0:  # exact, where rounding leaves the mean squares above zero
        return None
    between, within = mean_squares(scores)
    tail = (1 + confidence) / 2
    shrink = float(stats.f.ppf(tail, n - 1, n * (k - 1)))
    stretch = float(stats.f.ppf(tail, n * (k - 1), n - 1))

    def ratio(msb: float) -> float:
        return float((msb - within) / (msb + (k - 1) * within))

    return Estimate(
        value=ratio(between),
        lower=ratio(between / shrink),
        upper=ratio(between * stretch),
        n=n,
        confidence=confidence,
    )


def seed_std(scores: FloatArray, confidence: float = 0.95) -> Estimate:
    """Standard deviation over seeds of one network's error, with the chi-square interval.

    The root of the within-network mean square, n (k-1) degrees of freedom.
    """
    n, k = scores.shape
    degrees = n * (k - 1)
    _, within = mean_squares(scores)
    tail = (1 + confidence) / 2
    return Estimate(
        value=float(np.sqrt(within)),
        lower=float(np.sqrt(degrees * within / stats.chi2.ppf(tail, degrees))),
        upper=float(np.sqrt(degrees * within / stats.chi2.ppf(1 - tail, degrees))),
        n=n,
        confidence=confidence,
    )


def reliability(
    population: pd.DataFrame, random_subset: int, *, seeds: int = 2, confidence: float = 0.95
) -> Reliability:
    """ICC and seed noise from the first `seeds` seeds of the networks below `random_subset`."""
    table = seed_table(population, random_subset, seeds)
    scores = table[np.isfinite(table).all(axis=1)]
    enough = len(scores) >= MINIMUM_NETWORKS
    return Reliability(
        networks=len(scores),
        seeds=seeds,
        incomplete=len(table) - len(scores),
        icc=icc(scores, confidence) if enough else None,
        seed_std=seed_std(scores, confidence) if enough else None,
    )


def reliability_sentence(result: Reliability) -> str:
    """One plain sentence: is the difference between two networks of this study signal?

    Judged by the interval, not by the estimate, with the marks 0.5 and 0.75 of Koo & Li (2016).
    """
    sample = f"{result.networks} randomly chosen networks with {result.seeds} seeds each"
    if result.incomplete:
        sample += f", {result.incomplete} more ended badly and left out"
    if result.seed_std is None:
        return (
            f"Signal or noise: cannot be told, as only {result.networks} randomly chosen networks "
            f"were trained to the end with {result.seeds} seeds ({MINIMUM_NETWORKS} are needed)."
        )
    if result.icc is None:
        return f"Signal or noise: cannot be told, as all errors are equal ({sample})."
    value = result.icc
    return (
        f"{_verdict(value)}: ICC {value.value:.2f} ({100 * value.confidence:g} % interval "
        f"{value.lower:.2f} to {value.upper:.2f}; {sample}), seed standard deviation "
        f"{100 * result.seed_std.value:.1f} points of error."
    )


def _verdict(value: Estimate) -> str:
    if value.lower >= 0.75:
        return "The differences between networks are signal, not the luck of the seed"
    if value.lower >= 0.5:
        return "The differences between networks are more signal than seed noise"
    if value.upper < 0.5:
        return "The differences between networks are mostly seed noise"
    if value.lower > 0:
        return (
            "The networks differ by more than the seed, but how much is uncertain; "
            "more networks with a second seed would tell"
        )
    return "It is not shown that the networks differ by more than the luck of the seed"
