"""Where along the errors is one population better, and how often does it win a pair?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from dse.analysis.estimate import Estimate, FloatArray


@dataclass(frozen=True, kw_only=True)
class Gap:
    """F_A - F_B with a simultaneous band: how many more of A's networks are below an error.

    `errors` (m,) are the distinct finite errors of both in rising order; `gap`, `lower` and
    `upper` (m,), shares from -1 to 1, hold just above each of them, up to the next. Networks that
    ended badly are counted in `n` (of A, of B) and are below no error.
    """

    errors: FloatArray
    gap: FloatArray
    lower: FloatArray
    upper: FloatArray
    n: tuple[int, int]
    confidence: float

    def shown(self, *, better: bool) -> tuple[tuple[float, float], ...]:
        """The ranges of error in which A is shown to have more networks below than B, or fewer.

        Each as (from, to): it holds for every error e with from < e <= to. All of them hold at
        once with the band's confidence.
        """
        is_shown = self.lower > 0 if better else self.upper < 0
        edges = np.diff(np.concatenate([[0], is_shown.astype(np.int8), [0]]))
        starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        nexts = np.append(self.errors, np.inf)
        return tuple(
            (float(nexts[start]), float(nexts[end]))
            for start, end in zip(starts, ends, strict=True)
        )


def edf_gap(a: ArrayLike, b: ArrayLike, confidence: float = 0.95) -> Gap:
    """F_A - F_B of outcomes `a` (n,) and `b` (m,), with a band for the whole true difference.

    Half width K sqrt((n + m) / (n m)), K the quantile of Kolmogorov's distribution. It is exact in
    the limit where both are one continuous distribution, and holds at least as often otherwise: the
    limit of the scaled difference is then a Gaussian process W, and W plus an independent one is a
    Brownian bridge (their covariances differ by a square, of rank one), so that by Anderson's
    inequality (1955) W leaves a symmetric band more rarely.
    """
    first, second = (np.sort(np.asarray(side, dtype=np.float64)) for side in (a, b))
    n, m = first.size, second.size
    assert min(n, m) >= 1, "a comparison needs a network on either side"
    errors = np.unique(np.concatenate([first, second]))
    errors = errors[np.isfinite(errors)]
    gap = (
        np.searchsorted(first, errors, side="right") / n
        - np.searchsorted(second, errors, side="right") / m
    )
    half = float(stats.kstwobign.ppf(confidence)) * np.sqrt((n + m) / (n * m))
    return Gap(
        errors=errors,
        gap=gap,
        lower=np.clip(gap - half, -1, 1),
        upper=np.clip(gap + half, -1, 1),
        n=(n, m),
        confidence=confidence,
    )


def beats(a: ArrayLike, b: ArrayLike, confidence: float = 0.95) -> Estimate:
    """P(A beats B): that a network drawn from A has a lower error than one from B, ties half.

    The Mann-Whitney statistic over n m, with the variance of the placements (Brunner & Munzel 2000;
    DeLong et al. 1988) on the logit scale and Student's t on Satterthwaite's degrees of freedom.
    Where one side wins every pair, or all tie, there is no variance: the bound is then that of
    min(n, m) pairs without a network in common, which all did so (Clopper & Pearson 1934). `n`
    counts both sides.
    """
    first, second = (np.asarray(side, dtype=np.float64) for side in (a, b))
    n, m = first.size, second.size
    assert min(n, m) >= 1, "a comparison needs a network on either side"
    won, lost = _share_above(first, second), 1 - _share_above(second, first)
    value = float(won.mean())
    lower, upper = _beats_bounds(value, won, lost, confidence)
    return Estimate(value=value, lower=lower, upper=upper, n=n + m, confidence=confidence)


def _beats_bounds(
    value: float, won: FloatArray, lost: FloatArray, confidence: float
) -> tuple[float, float]:
    tail = (1 - confidence) / 2
    if min(won.size, lost.size) < 2:
        return 0.0, 1.0
    parts = np.array([won.var(ddof=1) / won.size, lost.var(ddof=1) / lost.size])
    inner = float(tail ** (1 / min(won.size, lost.size)))
    if value in (0.0, 1.0):
        return (inner, 1.0) if value else (0.0, 1 - inner)
    if parts.sum() == 0:  # all pairs tie
        return inner / 2, 1 - inner / 2
    freedom = parts.sum() ** 2 / (parts**2 / np.array([won.size - 1, lost.size - 1])).sum()
    half = float(stats.t.isf(tail, freedom)) * np.sqrt(parts.sum()) / (value * (1 - value))
    lower, upper = special.expit(special.logit(value) + np.array([-half, half]))
    return float(lower), float(upper)


def _share_above(values: FloatArray, others: FloatArray) -> FloatArray:
    """The share of `others` above each value, those equal to it counted half."""
    ordered = np.sort(others)
    left, right = (np.searchsorted(ordered, values, side=side) for side in ("left", "right"))
    return np.asarray(1 - (left + right) / (2 * ordered.size))
