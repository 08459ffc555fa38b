"""How much each parameter matters: two measures, of which one has an interval.

PED-ANOVA asks what tells the best networks from all others; the first-order share asks how much of
the spread of errors goes with the parameter alone. They answer different questions and may differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from dse.analysis.estimate import Estimate, FloatArray
from dse.analysis.factors.levels import Factor, Networks

BEST = 0.1
"""PED-ANOVA's share of best networks, the default of its authors."""


@dataclass(frozen=True, kw_only=True)
class Importance:
    """One parameter over `n` networks.

    `variance_share` is the first-order share of the variance of errors, `ped_anova` a share of the
    sum over parameters, of how far the best networks' values differ from all. `best_n` of the
    networks counted as best. `fanova` is another's estimate, where there is one.
    """

    name: str
    n: int
    variance_share: Estimate | None
    ped_anova: float
    best_n: int
    fanova: float | None = None


def importances(
    found: Networks, confidence: float = 0.95, fanova: dict[str, float] | None = None
) -> tuple[Importance, ...]:
    """Every parameter, the largest share of variance first."""
    divergences, best_n = ped_anova(found)
    rows = [
        Importance(
            name=factor.name,
            n=len(found),
            variance_share=variance_share(found.capped, factor, confidence),
            ped_anova=divergence,
            best_n=best_n,
            fanova=(fanova or {}).get(factor.name),
        )
        for factor, divergence in zip(found.factors, divergences, strict=True)
    ]
    return tuple(
        sorted(rows, key=lambda row: -row.variance_share.value if row.variance_share else 0.0)
    )


def ped_anova(found: Networks, best: float = BEST) -> tuple[tuple[float, ...], int]:
    """PED-ANOVA of the best share of networks within all of them, and how many are the best.

    sum_k p_k (q_k / p_k - 1)^2 over the levels k of a parameter, q among the best networks and p
    among all, each with a weight of one network for the even distribution, as a share of the sum
    over parameters (Watanabe, Bansal & Hutter 2023, theorem 1, the region being all networks).
    Levels take the place of the paper's kernels. Networks tied with the last of the best are best.
    """
    n = len(found)
    if not n or not found.factors:
        return (), 0
    last = int(np.ceil(best * n - 1e-9)) - 1
    is_best = found.outcome <= np.partition(found.outcome, last)[last]
    values = np.array([_divergence(factor, is_best) for factor in found.factors])
    total = values.sum()
    shares = values / total if total > 0 else np.zeros(len(values))
    return tuple(shares.tolist()), int(is_best.sum())


def _divergence(factor: Factor, is_best: np.ndarray) -> float:
    levels = len(factor.levels)
    among_best = np.bincount(factor.codes[is_best], minlength=levels) + 1 / levels
    among_all = factor.counts + 1 / levels
    q, p = among_best / among_best.sum(), among_all / among_all.sum()
    return float((p * (q / p - 1) ** 2).sum())


def variance_share(y: FloatArray, factor: Factor, confidence: float = 0.95) -> Estimate | None:
    """The first-order share of the variance, S = Var(E[y | level]) / Var(y).

    Sobol' (1993); fANOVA's main effect (Hutter et al. 2014), here without a model in between. The
    variance between levels is freed of what noise alone adds, sum_k s_k^2 (1 - n_k / n) / n with
    s_k^2 the variance in level k. Its variance is that of the linear part, mean(IF^2) / n, plus
    that of the noise's quadratic form, which is what is left where S = 0; the interval is normal,
    cut at 0 and 1. Seed noise is part of Var(y). None where a level has all networks but one.
    """
    counts = factor.counts
    used = counts > 0
    n, levels = len(y), int(used.sum())
    if levels < 2 or n < levels + 2:
        return None
    centred = y - y.mean()
    total = float((centred**2).mean())
    if total <= 0:
        return None
    means = np.bincount(factor.codes, centred, len(counts)) / np.maximum(counts, 1)
    within = centred - means[factor.codes]
    pooled = float((within**2).sum()) / (n - levels)
    noise = np.bincount(factor.codes, within**2, len(counts)) / np.maximum(counts - 1, 1)
    noise = np.where(counts > 1, noise, pooled)[used]
    rest = 1 - counts[used] / n
    between = float((counts * means**2).sum() - (noise * rest).sum()) / n
    share = between / total
    fitted = means[factor.codes]
    influence = fitted**2 + 2 * within * fitted - share * centred**2
    linear = float(influence.var()) / n
    p_noise = counts[used] / n * noise
    quadratic = (noise**2 * rest**2).sum() + p_noise.sum() ** 2 - (p_noise**2).sum()
    spread = np.sqrt(linear + 2 * float(quadratic) / n**2) / total
    half = float(stats.norm.ppf((1 + confidence) / 2)) * float(spread)
    return Estimate(
        value=float(np.clip(share, 0, 1)),
        lower=float(np.clip(share - half, 0, 1)),
        upper=float(np.clip(share + half, 0, 1)),
        n=n,
        confidence=confidence,
    )
