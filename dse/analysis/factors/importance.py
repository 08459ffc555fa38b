"""How much each parameter matters: two measures, of which one has an interval.

PED-ANOVA asks what tells the best networks from all others; the first-order share asks how much of
the order of all networks goes with the parameter alone. They answer different questions, and may
differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dse.analysis.estimate import Estimate, FloatArray
from dse.analysis.factors.ftest import LEAST_FREE, f_test
from dse.analysis.factors.levels import Factor, IntArray, Networks

BEST = 0.1
"""PED-ANOVA's share of best networks, the default of its authors."""


@dataclass(frozen=True, kw_only=True)
class Importance:
    """One parameter over `n` networks.

    `variance_share` is the first-order share of the variance of ranks, `ped_anova` a share of the
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
            variance_share=variance_share(found.places, factor, confidence),
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
    among all, as a share of the sum over parameters (Watanabe, Bansal & Hutter 2023, theorem 1, the
    region being all networks). As Optuna does for categories; numbers are levels here, where the
    paper has kernels. Networks tied with the last of the best are best.
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


def _divergence(factor: Factor, is_best: NDArray[np.bool_]) -> float:
    levels = len(factor.levels)
    q = _smoothed(np.bincount(factor.codes[is_best], minlength=levels))
    p = _smoothed(factor.counts)
    return float((p * (q / p - 1) ** 2).sum())


def _smoothed(counts: IntArray) -> FloatArray:
    """Shares of levels as Optuna has them for categories.

    Each network gives a part of its weight, 1 / (1 + how many levels there are), to every level;
    one network more is spread evenly.
    """
    n, levels = counts.sum(), len(counts)
    part = 1 / ((counts > 0).sum() + 1)
    return np.asarray(((counts + n * part) / (1 + levels * part) + 1 / levels) / (n + 1))


def variance_share(places: FloatArray, factor: Factor, confidence: float = 0.95) -> Estimate | None:
    """The first-order share of the variance of ranks, S = Var(E[rank | level]) / Var(rank).

    Sobol' (1993); fANOVA's main effect (Hutter et al. 2014), here without a model in between and
    with an interval by `ftest`. Ranks know trainings that ended badly, and a few very bad networks
    do not carry their variance. Seed noise is part of it. None where levels
    are one or leave fewer than ten degrees of freedom.
    """
    counts = factor.counts
    n, levels = len(places), int((counts > 0).sum())
    centred = places - places.mean()
    total = float((centred**2).sum())
    if levels < 2 or n - levels < LEAST_FREE or total <= 0:
        return None
    sums = np.bincount(factor.codes, centred, len(counts))
    between = float((sums**2 / np.maximum(counts, 1)).sum())
    return f_test(between, total - between, levels - 1, n - levels, n, confidence).share
