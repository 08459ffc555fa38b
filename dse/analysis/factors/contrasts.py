"""The effect of every level: its typical error against that of all other levels.

"As sampled" is the plain comparison. Under a budget parameters trade off against each other, and
by chance some come together more often; "with the other choices held" compares in a linear model
that has the levels of all other parameters in it. Both are ratios of geometric means: errors are
skewed, and a few very bad networks would carry a plain mean. Means are over the capped outcome, in
which a training that ended badly counts as guessing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from dse.analysis.corrected import holm
from dse.analysis.estimate import Estimate, FloatArray
from dse.analysis.factors.design import Design
from dse.analysis.factors.levels import Factor, Networks
from dse.analysis.intervals import mean_interval, t_interval


@dataclass(frozen=True, kw_only=True)
class LevelEffect:
    """One level of one parameter, `n` networks, of these `bad` ended badly.

    `mean` is the mean capped error [fraction] with Student's t interval. `bad_share` has the exact
    interval of Clopper & Pearson (1934). `as_sampled` and `held` are the geometric mean of the
    errors over that of the other levels, less 1: -0.05 says that errors are 5 % lower (relatively)
    than at the other levels. `as_sampled` is None below two networks on either side, or where all
    errors of both are equal; `held` where
    the networks are fewer than twice the coefficients, or the level never comes without some other
    choice.
    """

    level: str
    n: int
    bad: int
    mean: Estimate | None
    bad_share: Estimate
    as_sampled: Estimate | None
    held: Estimate | None


@dataclass(frozen=True, kw_only=True)
class FactorEffect:
    """One parameter, its levels, and whether the errors of these differ at all.

    `p_value` is that of the rank test of Kruskal & Wallis (1952), in which a training that ended
    badly is worse than every error; `corrected` is it after Holm's correction for the number of
    parameters. NaN where there is nothing to test.
    """

    name: str
    n: int
    p_value: float
    corrected: float
    levels: tuple[LevelEffect, ...]


def level_effects(found: Networks, confidence: float = 0.95) -> tuple[FactorEffect, ...]:
    """The effects of every level of every parameter, in the order of the parameters."""
    if not found.factors:
        return ()
    p_values = np.array([kruskal_p(factor, found.places) for factor in found.factors])
    held = held_effects(found.logs, found.factors, confidence)
    return tuple(
        FactorEffect(
            name=factor.name,
            n=len(found),
            p_value=float(p_value),
            corrected=float(corrected),
            levels=_levels(found, factor, of_levels, confidence),
        )
        for factor, p_value, corrected, of_levels in zip(
            found.factors, p_values, holm(p_values), held, strict=True
        )
    )


def kruskal_p(factor: Factor, ranks: FloatArray) -> float:
    """Kruskal & Wallis by chi^2 (levels - 1), ties and all; NaN where one side does not vary."""
    counts, n = factor.counts, len(ranks)
    used = counts > 0
    total = float(((ranks - ranks.mean()) ** 2).sum())
    if used.sum() < 2 or total == 0:
        return float("nan")
    sums = np.bincount(factor.codes, ranks, len(counts))[used]
    between = float((sums**2 / counts[used]).sum() - n * ranks.mean() ** 2)
    return float(stats.chi2.sf((n - 1) * between / total, int(used.sum()) - 1))


def sampled_effects(
    logs: FloatArray, factor: Factor, confidence: float = 0.95
) -> tuple[Estimate | None, ...]:
    """Of each level, exp(mean of `logs` there less the mean elsewhere) - 1, by Welch's (1947) t."""
    n = factor.counts.astype(np.float64)
    rest = len(logs) - n
    centred = logs - logs.mean()
    sums = np.bincount(factor.codes, centred, len(n))
    squares = np.bincount(factor.codes, centred**2, len(n))
    can = np.minimum(n, rest) >= 2
    here, there = np.where(can, n, 2), np.where(can, rest, 2)
    means = sums / here, -sums / there
    inside = np.maximum(squares - here * means[0] ** 2, 0) / (here - 1) / here
    outside = np.maximum(squares.sum() - squares - there * means[1] ** 2, 0) / (there - 1) / there
    degrees = welch_degrees(inside, outside, here, there)
    return tuple(
        _ratio(float(value), float(variance), float(free), len(logs), confidence)
        if usable
        else None
        for value, variance, free, usable in zip(
            means[0] - means[1], inside + outside, degrees, can, strict=True
        )
    )


def welch_degrees(
    inside: FloatArray, outside: FloatArray, here: FloatArray, there: FloatArray
) -> FloatArray:
    """Degrees of freedom of a difference, from the variance that each side brings to it."""
    spread = inside**2 / np.maximum(here - 1, 1) + outside**2 / np.maximum(there - 1, 1)
    return np.asarray((inside + outside) ** 2 / np.maximum(spread, 1e-300))


def held_effects(
    logs: FloatArray, factors: tuple[Factor, ...], confidence: float = 0.95
) -> tuple[tuple[Estimate | None, ...], ...]:
    """As `sampled_effects`, with all other parameters in the same linear model.

    The difference of logarithms is b_l - sum_k s_k b_k over the other levels k, of which s_k is
    the sampled share. Variance: HC2 (Horn, Horn & Duncan 1975), so that errors may be noisier at
    some levels than at others, with the noise of the shares s_k added network by network;
    Student's t with Welch's degrees of freedom, fewer by what the model took.
    """
    design = Design(factors)
    free = len(logs) - design.rank
    if free < design.rank:
        return tuple((None,) * len(factor.levels) for factor in factors)
    left = design.residuals(logs)
    alone = design.leverage > 1 - 1e-9
    scaled = left / np.sqrt(np.where(alone, 1.0, 1 - design.leverage))
    scaled[alone] = np.sqrt(left @ left / free)
    coefficients = design.coefficients(logs)
    return tuple(
        _held(design, place, coefficients, scaled, confidence) for place in range(len(factors))
    )


def _held(
    design: Design, place: int, coefficients: FloatArray, scaled: FloatArray, confidence: float
) -> tuple[Estimate | None, ...]:
    """The effects of one factor's levels, from residuals scaled by the root of 1 - leverage."""
    factor, n = design.factors[place], len(scaled)
    counts = factor.counts.astype(np.float64)
    contrasts = np.zeros((len(counts), design.starts[-1]))
    contrasts[:, design.columns(place)] = rest_weights(counts)
    usable = design.estimable(contrasts) & (np.minimum(counts, n - counts) >= 2)
    influence = (design.matrix @ (design.inverse @ contrasts.T)) * scaled[:, None]
    influence += _share_noise(factor, coefficients[design.columns(place)])
    squares = influence**2
    own = squares[np.arange(n), factor.codes]
    here = np.bincount(factor.codes, own, len(counts)).astype(np.float64)
    there = squares.sum(axis=0) - here
    degrees = welch_degrees(here, there, counts, n - counts) * (n - design.rank) / n
    return tuple(
        _ratio(float(value), float(variance), float(left), n, confidence) if can else None
        for value, variance, left, can in zip(
            contrasts @ coefficients, here + there, degrees, usable, strict=True
        )
    )


def rest_weights(counts: FloatArray) -> FloatArray:
    """Weights, (levels, levels), of each level against all others by their shares."""
    rest = np.maximum(counts.sum() - counts, 1)
    weights: FloatArray = -counts[None, :] / rest[:, None]
    np.fill_diagonal(weights, 1.0)
    return weights


def _share_noise(factor: Factor, own: FloatArray) -> FloatArray:
    """What each network moves each contrast by being of its level, shape (networks, levels)."""
    counts = factor.counts
    rest = np.maximum(counts.sum() - counts, 1)
    means = ((counts * own).sum() - counts * own) / rest
    moved = -(own[:, None] - means[None, :]) / rest[None, :]
    np.fill_diagonal(moved, 0.0)
    return np.asarray(moved[factor.codes])


def _levels(
    found: Networks,
    factor: Factor,
    held: tuple[Estimate | None, ...],
    confidence: float,
) -> tuple[LevelEffect, ...]:
    bad = np.bincount(factor.codes[found.bad], minlength=len(factor.levels))
    sampled = sampled_effects(found.logs, factor, confidence)
    return tuple(
        LevelEffect(
            level=level,
            n=int(n),
            bad=int(ended_badly),
            mean=mean_interval(found.capped[factor.codes == code], confidence) if n else None,
            bad_share=share(int(ended_badly), int(n), confidence),
            as_sampled=plain,
            held=adjusted,
        )
        for code, (level, n, ended_badly, plain, adjusted) in enumerate(
            zip(factor.levels, factor.counts, bad, sampled, held, strict=True)
        )
    )


def share(count: int, n: int, confidence: float = 0.95) -> Estimate:
    """`count` of `n` with the exact binomial interval (Clopper & Pearson 1934)."""
    tail = (1 - confidence) / 2
    lower = float(stats.beta.ppf(tail, count, n - count + 1)) if count else 0.0
    upper = float(stats.beta.ppf(1 - tail, count + 1, n - count)) if count < n else 1.0
    value = count / n if n else 0.5
    return Estimate(value=value, lower=lower, upper=upper, n=n, confidence=confidence)


def _ratio(
    value: float, variance: float, degrees: float, n: int, confidence: float
) -> Estimate | None:
    """exp(value) - 1 with the bounds of Student's t for `value`; None where nothing varies."""
    if variance <= 0:
        return None
    found = t_interval(value, float(np.sqrt(variance)), max(degrees, 1.0), n, confidence)
    middle, low, high = np.expm1([found.value, found.lower, found.upper]).tolist()
    return replace(found, value=middle, lower=low, upper=high)
