"""Control variates: means over a space, less what is known on paper of the networks drawn.

A network's cost and choices are free, so their means over the whole space are known. Of the trained
networks, only what a linear model of these features x leaves unexplained is luck of the draw:

    u_i = y_i - (x_i - mean of x over the space) . beta_{-i}

with beta_{-i} fitted by ridge regression to the other networks alone. As these say nothing of
network i, the mean of u_i is the space's mean of y, whatever the model is worth (a cross-fitted
generalised regression estimator: Cochran 1977, chapter 7; Wager et al. 2016; Wu & Gagnon-Bartsch
2018). The variance of a mean of few u_i has fewer degrees of freedom than there are networks, as
one fit is in all of them: `ridge` says how many (Bell & McCaffrey 2002).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from dse.analysis.efficient.ridge import adjusted_outcomes
from dse.analysis.estimate import Estimate, FloatArray

TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Networks drawn independently from one space, trained, and what is known of it on paper.

    `features` (n, p) of each network and `outcomes` (n,), finite: log errors, or whether an error
    is below a bound. Of plain errors, of which few bad networks make the mean, the interval covers
    90 % at n = 50 and 93 % at 500 only (docs/method.md). `space_means` (p,) of the
    features over the whole space. `space_n`: over how many networks on paper these means are,
    the trained ones among them; None where they are exact.
    """

    features: FloatArray
    outcomes: FloatArray
    space_means: FloatArray
    space_n: int | None = None

    def __post_init__(self) -> None:
        assert self.features.shape == (len(self.outcomes), len(self.space_means))
        assert len(self.outcomes) >= 2, "a spread needs two networks"
        assert np.isfinite(self.outcomes).all(), "a mean needs finite outcomes: cap bad ends"


@dataclass(frozen=True, kw_only=True)
class Adjusted:
    """A mean, or a difference of means, adjusted for what is known on paper.

    `p_value` is two-sided, of `difference` being zero. `plain` is the same without features
    (Student's or Welch's t). `variance_ratio`: the variance of `plain` over the adjusted one, so
    how many times as many networks the plain one needs for the same interval, by these data.
    """

    difference: Estimate
    p_value: float
    plain: Estimate
    variance_ratio: float


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """Two spaces A and B that share networks, sampled once in each part.

    `share_a` of A's networks are not in B, `share_b` of B's not in A; known on paper. A part that
    is empty, or whose weight in the difference is zero (`both` where the shares are equal), needs
    no networks and is None.
    """

    share_a: float
    share_b: float
    only_a: Measured | None
    only_b: Measured | None
    both: Measured | None


def adjusted_mean(measured: Measured, *, confidence: float = 0.95) -> Adjusted:
    """The space's mean outcome, as `difference` from zero; at least two networks."""
    return adjusted_contrast([measured], [1.0], confidence=confidence)


def adjusted_difference(a: Measured, b: Measured, *, confidence: float = 0.95) -> Adjusted:
    """Mean outcome of the space of `a` less that of `b`, from independent samples of both."""
    return adjusted_contrast([a, b], [1.0, -1.0], confidence=confidence)


def overlap_weights(share_a: float, share_b: float) -> tuple[float, float, float]:
    """What the means of A without B, B without A and both weigh in mean(A) - mean(B).

    mean(A) = share_a mean(A without B) + (1 - share_a) mean(both), and so for B. The difference has
    the least variance where each part is given networks in proportion to its weight without its
    sign (Neyman 1934, for parts of one spread).
    """
    return share_a, -share_b, share_b - share_a


def overlapping_difference(overlap: Overlap, *, confidence: float = 0.95) -> Adjusted:
    """Mean outcome of A less that of B, where what they share is sampled once or not at all."""
    weights = overlap_weights(overlap.share_a, overlap.share_b)
    parts = (overlap.only_a, overlap.only_b, overlap.both)
    used = [(p, w) for p, w in zip(parts, weights, strict=True) if abs(w) > 1e-12]
    strata = [part for part, _ in used if part is not None]
    assert len(strata) == len(used), "a part that counts needs networks"
    return adjusted_contrast(strata, [weight for _, weight in used], confidence=confidence)


def adjusted_contrast(
    strata: Sequence[Measured], weights: Sequence[float], *, confidence: float = 0.95
) -> Adjusted:
    """The sum of the strata's mean outcomes, each times its weight.

    One model is fitted to all strata, each with a level of its own. Student's t interval; the
    degrees of freedom of `ridge.adjusted_outcomes` for normal outcomes, less where the u_i have
    heavier tails: the variance of s^2 is sigma^4 (2 / d + kurtosis / n) (Box 1953), d the normal
    ones. Where the features' means are of N networks on paper only, the n trained ones among them,
    the variance of a mean is s_u^2 / n + (s_y^2 - s_u^2) / N (two-phase sampling, Cochran 1977,
    chapter 12).
    """
    w = np.asarray(weights, dtype=np.float64)
    sizes = [len(stratum.outcomes) for stratum in strata]
    outcomes = [np.asarray(stratum.outcomes, dtype=np.float64) for stratum in strata]
    fit = adjusted_outcomes(
        np.concatenate([stratum.features - stratum.space_means for stratum in strata]),
        np.concatenate(outcomes),
        np.repeat(np.arange(len(strata)), sizes),
        w,
    )
    adjusted = np.split(fit.values, np.cumsum(sizes)[:-1])
    spread = np.array([u.var(ddof=1) for u in adjusted])
    plain_spread = np.array([y.var(ddof=1) for y in outcomes])
    parts = w**2 * plain_spread / sizes
    shares = w**2 * spread / sizes
    variance = fit.scale * float(shares.sum())
    for stratum, weight, s, s0 in zip(strata, w, spread, plain_spread, strict=True):
        if stratum.space_n is not None:
            variance += weight**2 * max(s0 - s, 0.0) / stratum.space_n
    plain_degrees = parts.sum() ** 2 / max((parts**2 / (np.array(sizes) - 1)).sum(), TINY)
    heavy = _excess_kurtosis(adjusted) * (shares**2 / sizes).sum() / max(shares.sum() ** 2, TINY)
    degrees = float(2 / (2 / fit.degrees + heavy))
    means = [float(w @ [v.mean() for v in values]) for values in (adjusted, outcomes)]
    difference, p_value = _student(means[0], variance, degrees, sum(sizes), confidence)
    plain, _ = _student(means[1], float(parts.sum()), float(plain_degrees), sum(sizes), confidence)
    return Adjusted(
        difference=difference,
        p_value=p_value,
        plain=plain,
        variance_ratio=float(parts.sum() / variance) if variance > 0 else 1.0,
    )


def _excess_kurtosis(strata: Sequence[FloatArray]) -> float:
    """Of values within strata, G2 of Joanes & Gill (1998); the mean by size, at least zero."""
    total = 0.0
    for values in strata:
        n, squares = len(values), (values - values.mean()) ** 2
        if n > 3 and squares.any():
            plain = float((squares**2).mean() / squares.mean() ** 2) - 3
            total += n * (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * plain + 6)
    return max(total / sum(len(values) for values in strata), 0.0)


def _student(
    value: float, variance: float, degrees: float, n: int, confidence: float
) -> tuple[Estimate, float]:
    """The estimate and its two-sided p; outcomes without any spread bound nothing."""
    half, p_value = float("inf"), 1.0
    if variance > 0:
        half = float(special.stdtrit(degrees, (1 + confidence) / 2) * np.sqrt(variance))
        p_value = float(2 * special.stdtr(degrees, -abs(value) / np.sqrt(variance)))
    estimate = Estimate(
        value=value, lower=value - half, upper=value + half, n=n, confidence=confidence
    )
    return estimate, p_value
