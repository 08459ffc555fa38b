"""Does the order of networks under a cheap proxy hold under a dearer one?

Both proxies trained the same networks. The first training of each counts, as it is what one would
choose by; one that ended badly is worse than every error. Second seeds only tell how far seed noise
alone would disturb the order.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from dse.analysis.agreement import (
    DRAWS,
    SEED,
    bootstrap,
    order_of,
    rank_agreement,
    regret,
    rho_of_correlation,
    tau_of_correlation,
    top_overlap,
)
from dse.analysis.estimate import Estimate, FloatArray
from dse.analysis.population import first_seeds, outcomes
from dse.analysis.reliability import Reliability, reliability

TOPS = (1, 3, 5, 10)


@dataclass(frozen=True, kw_only=True)
class Top:
    """The k best by the cheap proxy, seen by the dear one.

    `shared` of them are among the k best by the dear one; orders without relation share
    k^2/n of k on average, and as many with probability `p`. `regret` [error fraction] is the
    least dear error of the k, less the least of all; None where no network has a dear error.
    """

    k: int
    shared: int
    p: float
    regret: Estimate | None


@dataclass(frozen=True, kw_only=True)
class Fidelity:
    """How a cheap proxy orders networks, beside a dearer one.

    `indices` (n,) are the networks whose first training has ended under both, `cheap` and `dear`
    (n,) their errors [fraction], `inf` where a training ended badly; `left_out` networks are
    missing in one of the two or have not ended. `choice` and `best` are the indices of the best
    network by each proxy. `fresh` is the regret of `choice` measured with second seeds of the
    dear proxy, None where one of the two lacks it or the seed noise is not known. `ceiling_tau`
    and `ceiling_rho` are what the dear proxy's own seed noise leaves. `seconds` are the medians of
    a training's wall time, cheap and dear, NaN where no training was completed.
    """

    indices: tuple[int, ...]
    cheap: FloatArray
    dear: FloatArray
    left_out: int
    tau: Estimate | None
    rho: Estimate | None
    tops: tuple[Top, ...]
    choice: int | None
    best: int | None
    fresh: Estimate | None
    cheap_noise: Reliability
    dear_noise: Reliability
    ceiling_tau: Estimate | None
    ceiling_rho: Estimate | None
    seconds: tuple[float, float]
    confidence: float
    draws: int

    @property
    def networks(self) -> int:
        """Networks compared."""
        return len(self.indices)


def fidelity(
    cheap: pd.DataFrame,
    dear: pd.DataFrame,
    *,
    random_subsets: tuple[int, int] = (0, 0),
    confidence: float = 0.95,
    draws: int = DRAWS,
    seed: int = SEED,
) -> Fidelity:
    """Compare two populations (one row a training) of the same networks.

    `random_subsets`: in each of the two, networks with a smaller index have a second seed whatever
    their first error; only they tell the seed noise. `draws` bootstrap resamples with `seed`.
    """
    first = [first_seeds(rows) for rows in (cheap, dear)]
    known = [pd.Series(outcomes(rows), index=rows["index"]) for rows in first]
    asked = set(cheap["index"]) | set(dear["index"])
    both = sorted(set(known[0].index) & set(known[1].index))
    x, y = (np.asarray(values.loc[both], dtype=np.float64) for values in known)
    noises = [
        reliability(rows, subset, confidence=confidence)
        for rows, subset in zip((cheap, dear), random_subsets, strict=True)
    ]
    tau, rho = rank_agreement(x, y, confidence=confidence, draws=draws, seed=seed)
    choice, best = (_best(values, both) for values in (x, y))
    return Fidelity(
        indices=tuple(int(i) for i in both),
        cheap=x,
        dear=y,
        left_out=len(asked) - len(both),
        tau=tau,
        rho=rho,
        tops=_tops(x, y, confidence, draws, seed),
        choice=choice,
        best=best,
        fresh=fresh_regret(dear, choice, best, noises[1], confidence),
        cheap_noise=noises[0],
        dear_noise=noises[1],
        ceiling_tau=ceiling(noises[1], tau_of_correlation),
        ceiling_rho=ceiling(noises[1], rho_of_correlation),
        seconds=(_median_seconds(first[0]), _median_seconds(first[1])),
        confidence=confidence,
        draws=draws,
    )


def ceiling(noise: Reliability, of_correlation: Callable[[float], float]) -> Estimate | None:
    """The rank correlation between one training's errors and what they would be without noise.

    An observed correlation is the true one times the roots of both reliabilities (Spearman 1904,
    "attenuation"). So where a cheap proxy knew the dear one's noiseless errors, it would still
    correlate with one noisy training by sqrt(ICC) only, turned into a rank correlation by
    `of_correlation` (r -> tau or rho of a bivariate normal). It rises with the ICC, whose bounds
    therefore give its bounds; a negative ICC counts as 0. None where the ICC is not known.
    """
    if noise.icc is None:
        return None
    value, lower, upper = (
        of_correlation(float(np.sqrt(np.clip(icc, 0, 1))))
        for icc in (noise.icc.value, noise.icc.lower, noise.icc.upper)
    )
    return Estimate(
        value=value, lower=lower, upper=upper, n=noise.icc.n, confidence=noise.icc.confidence
    )


def fresh_regret(
    dear: pd.DataFrame,
    choice: int | None,
    best: int | None,
    noise: Reliability,
    confidence: float = 0.95,
) -> Estimate | None:
    """The second-seed dear error of `choice` less that of `best`, with the interval of seed noise.

    Neither first seed's luck is part of it, so it is an unbiased measure of how much worse `choice`
    truly is than `best`; it may be negative. As `best` may have been the best by luck, it
    understates the regret on average, where the regret by first seeds overstates it. The interval
    is Student's t with the standard error sqrt(2) times the seed standard deviation. None where the
    two are the same network, one lacks a second error, or the noise is not known.
    """
    if choice is None or best is None or choice == best or noise.seed_std is None:
        return None
    again = dear[(dear["replicate"] == 1) & (dear["state"] == "complete")]
    errors = again.set_index("index")["error"]
    if choice not in errors.index or best not in errors.index:
        return None
    value = float(errors.loc[choice] - errors.loc[best])
    degrees = noise.seed_std.n * (noise.seeds - 1)
    half = float(stats.t.ppf((1 + confidence) / 2, degrees)) * np.sqrt(2) * noise.seed_std.value
    return Estimate(value=value, lower=value - half, upper=value + half, n=2, confidence=confidence)


def _tops(
    cheap: FloatArray, dear: FloatArray, confidence: float, draws: int, seed: int
) -> tuple[Top, ...]:
    """For each k below n for which no bad end is among the k best by either."""
    n = len(cheap)
    good = min(np.isfinite(cheap).sum(), np.isfinite(dear).sum()) if n else 0
    found = []
    for k in (k for k in TOPS if k < n and k <= good):
        shared, p = top_overlap(cheap, dear, k)
        lost = bootstrap(regret(cheap, dear, k), n, confidence=confidence, draws=draws, seed=seed)
        found.append(Top(k=k, shared=shared, p=p, regret=_open_ended(lost)))
    return tuple(found)


def _open_ended(lost: Estimate | None) -> Estimate | None:
    """Where every resample gives the same, the bootstrap does not bound what others would give."""
    if lost is None or lost.lower < lost.upper:
        return lost
    return dataclasses.replace(lost, upper=float("inf"))


def _best(values: FloatArray, indices: list[int]) -> int | None:
    if not len(values) or not np.isfinite(values).any():
        return None
    return int(indices[order_of(values)[0]])


def _median_seconds(rows: pd.DataFrame) -> float:
    seconds = rows.loc[rows["state"] == "complete", "seconds"]
    return float(seconds.median()) if len(seconds) else float("nan")
