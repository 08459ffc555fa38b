"""Are the differences between networks signal, or the luck of the seed?

The ICC is estimated only from networks that were given a second seed at random (those with an
index below `random_subset`: candidates are independent draws, so the first ones are a random
sample of the population). While some of these are still to be trained again, only those before the
first such are used: further on, just the good ones may have a second seed yet. Networks retrained
because their first seed was good must stay out: they differ less from each other than the
population does (range restriction), and their first errors are lucky (winner's curse); both bias
the ICC and the seed noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from dse.analysis.chance import at_chance
from dse.analysis.estimate import Estimate, FloatArray
from dse.analysis.population import ENDED_STATES

MINIMUM_NETWORKS = 3


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Seed reliability of one training.

    `networks` were trained to the end with every one of `seeds` seeds and are used; `incomplete`
    ended badly for at least one of them and are not (an ICC needs errors). `at_chance` of the
    networks used are at chance with every seed: they are part of the ICC, as they are part of the
    space, but not of the seed noise, of which a network that guesses has hardly any. `icc` and
    `seed_std` [error fraction] are None where fewer than three networks remain for them, or where
    none of these has a noise that the test images can show: its errors are equal for all seeds.
    """

    networks: int
    seeds: int
    incomplete: int
    at_chance: int
    icc: Estimate | None
    seed_std: Estimate | None


def finished_subset(population: pd.DataFrame, random_subset: int, seeds: int = 2) -> pd.DataFrame:
    """The trainings of the random subset as far as it is complete.

    These are the population's networks below `random_subset`, up to the first of which one of the
    `seeds` has not ended yet.
    """
    ended = population["state"].isin(ENDED_STATES) & (population["replicate"] < seeds)
    rows = population[ended & (population["index"] < random_subset)]
    subset = np.unique(population.loc[population["index"].between(0, random_subset - 1), "index"])
    counts = rows.groupby("index").size().reindex(subset, fill_value=0)
    unfinished = subset[counts.to_numpy() < seeds]
    return rows[rows["index"] < (unfinished[0] if unfinished.size else random_subset)]


def seed_table(population: pd.DataFrame, random_subset: int, seeds: int = 2) -> FloatArray:
    """Errors (networks, seeds) of `finished_subset`; NaN where a training ended badly."""
    rows = finished_subset(population, random_subset, seeds)
    return _by_seed(rows, "error").to_numpy(dtype=np.float64).reshape(-1, seeds)


def _by_seed(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """A row a network, a column a seed; missing where a training ended badly."""
    complete = rows.assign(value=rows[column].where(rows["state"] == "complete"))
    return complete.pivot(index="index", columns="replicate", values="value")


def mean_squares(scores: FloatArray) -> tuple[float, float]:
    """Between- and within-network mean squares of `scores` (networks, seeds)."""
    n, k = scores.shape
    means = scores.mean(axis=1)
    between = k * float(np.sum((means - scores.mean()) ** 2)) / (n - 1)
    within = float(np.sum((scores - means[:, None]) ** 2)) / (n * (k - 1))
    return between, within


def has_noise(scores: FloatArray) -> bool:
    """Whether any network's scores differ between seeds; exact, where mean squares round."""
    return bool((np.ptp(scores, axis=1) > 0).any())


def icc(scores: FloatArray, confidence: float = 0.95) -> Estimate | None:
    """ICC(1,1) of `scores` (networks, seeds) with the exact F interval; None without any noise.

    One-way random effects, (MSB - MSW) / (MSB + (k-1) MSW): the share of one training's variance
    that is the network's (Shrout & Fleiss 1979). Exact for normal errors with equal noise.
    """
    n, k = scores.shape
    if not has_noise(scores):  # an interval of no width would claim what no finite sample can
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


def seed_std(scores: FloatArray, confidence: float = 0.95) -> Estimate | None:
    """Standard deviation over seeds of one network's error, with the chi-square interval.

    The root of the within-network mean square, n (k-1) degrees of freedom; None without any noise.
    """
    n, k = scores.shape
    if not has_noise(scores):
        return None
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
    rows = finished_subset(population, random_subset, seeds)
    columns = ("error", "test_images", "classes")
    errors, images, classes = (_by_seed(rows, column).to_numpy(np.float64) for column in columns)
    whole = np.isfinite(errors).all(axis=1)
    scores = errors[whole]
    guessing = at_chance(scores, images[whole], classes[whole]).all(axis=1)
    able = scores[~guessing]
    return Reliability(
        networks=len(scores),
        seeds=seeds,
        incomplete=len(errors) - len(scores),
        at_chance=int(guessing.sum()),
        icc=icc(scores, confidence) if len(scores) >= MINIMUM_NETWORKS else None,
        seed_std=seed_std(able, confidence) if len(able) >= MINIMUM_NETWORKS else None,
    )


def reliability_sentence(result: Reliability) -> str:
    """One plain sentence: is the difference between two networks of this study signal?

    Judged by the interval, not by the estimate, with the marks 0.5 and 0.75 of Koo & Li (2016).
    """
    if result.networks < MINIMUM_NETWORKS:
        return (
            f"Signal or noise: cannot be told, as only {result.networks} randomly chosen networks "
            f"were trained to the end with {result.seeds} seeds ({MINIMUM_NETWORKS} are needed)."
        )
    sample = f"{result.networks} randomly chosen networks with {result.seeds} seeds each"
    if result.at_chance:
        sample += f", {result.at_chance} of them at chance"
    if result.incomplete:
        sample += f", {result.incomplete} more ended badly and left out"
    if result.icc is None:
        return (
            "Signal or noise: cannot be told, as each network has the same error with every seed "
            f"({sample})."
        )
    value = result.icc
    return (
        f"{_verdict(value)}: ICC {value.value:.2f} ({100 * value.confidence:g} % interval "
        f"{value.lower:.2f} to {value.upper:.2f}; {sample}), {_noise_clause(result)}."
    )


def _noise_clause(result: Reliability) -> str:
    able = result.networks - result.at_chance
    of = f" of the {able} networks above chance" if result.at_chance else ""
    if result.seed_std:
        return f"seed standard deviation{of} {100 * result.seed_std.value:.1f} points of error"
    if able < MINIMUM_NETWORKS:
        return "seed standard deviation not known, too few of these are above chance"
    return f"seed standard deviation{of} too small for the test images to show"


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
