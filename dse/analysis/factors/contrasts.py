"""The effect of every level: its mean error against that of all other levels.

"As sampled" is the plain difference. Under a budget parameters trade off against each other, and
by chance some come together more often; "with the other choices held" is the difference in a
linear model that has the levels of all other parameters in it. Means are over the capped outcome,
in which a training that ended badly counts as guessing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from dse.analysis.estimate import Estimate, FloatArray
from dse.analysis.factors.design import Design
from dse.analysis.factors.levels import Factor, Networks, holm


@dataclass(frozen=True, kw_only=True)
class LevelEffect:
    """One level of one parameter, `n` networks, of these `bad` ended badly.

    `bad_share` has the exact interval of Clopper & Pearson (1934). `as_sampled` and `held` are
    mean error here less the mean error of the other levels [fraction], negative where this level
    is better. `as_sampled` is None below two networks on either side; `held` where the networks
    are fewer than twice the coefficients, or the level never comes without some other choice.
    """

    level: str
    n: int
    bad: int
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
    ranks = stats.rankdata(found.outcome)
    p_values = np.array([kruskal_p(factor, ranks) for factor in found.factors])
    held = held_effects(found.capped, found.factors, confidence)
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
    y: FloatArray, factor: Factor, confidence: float = 0.95
) -> tuple[Estimate | None, ...]:
    """Mean of `y` in each level less the mean in all others, with Welch's (1947) t interval."""
    n = factor.counts.astype(np.float64)
    centred = y - y.mean()
    sums = np.bincount(factor.codes, centred, len(n))
    squares = np.bincount(factor.codes, centred**2, len(n))
    found: list[Estimate | None] = []
    for count, total, square in zip(n, sums, squares, strict=True):
        rest = len(y) - count
        if min(count, rest) < 2:
            found.append(None)
            continue
        means = total / count, -total / rest
        errors = (
            (square - count * means[0] ** 2) / (count - 1) / count,
            (squares.sum() - square - rest * means[1] ** 2) / (rest - 1) / rest,
        )
        variance = max(sum(errors), 0.0)
        degrees = variance**2 / max(
            errors[0] ** 2 / (count - 1) + errors[1] ** 2 / (rest - 1), 1e-300
        )
        found.append(_interval(means[0] - means[1], variance, degrees, len(y), confidence))
    return tuple(found)


def held_effects(
    y: FloatArray, factors: tuple[Factor, ...], confidence: float = 0.95
) -> tuple[tuple[Estimate | None, ...], ...]:
    """As `sampled_effects`, with all other parameters in the same linear model.

    The difference is b_l - sum_k s_k b_k over the other levels k, of which s_k is the sampled
    share. Variance: HC3 (MacKinnon & White 1985), so errors may be noisier at some levels than at
    others, with the noise of the shares s_k added network by network; Student's t.
    """
    design = Design(factors)
    n, free = len(y), len(y) - design.rank
    if free < design.rank:
        return tuple((None,) * len(factor.levels) for factor in factors)
    coefficients = design.coefficients(y)
    alone = design.leverage > 1 - 1e-9
    scaled = design.residuals(y) / np.where(alone, 1.0, 1 - design.leverage)
    found = []
    for place, factor in enumerate(factors):
        weights = rest_weights(factor.counts)
        contrasts = np.zeros((len(weights), design.starts[-1]))
        contrasts[:, design.columns(place)] = weights
        usable = design.estimable(contrasts) & (factor.counts > 0) & (factor.counts < n)
        influence = (design.matrix @ (design.inverse @ contrasts.T)) * scaled[:, None]
        influence += _share_noise(factor, coefficients[design.columns(place)])
        reached = np.abs(design.matrix[alone] @ (design.inverse @ contrasts.T)).max(0, initial=0)
        variances = np.where(reached > 1e-9, np.inf, (influence**2).sum(axis=0))
        values = contrasts @ coefficients
        found.append(
            tuple(
                _interval(float(value), float(variance), free, n, confidence) if can else None
                for value, variance, can in zip(values, variances, usable, strict=True)
            )
        )
    return tuple(found)


def rest_weights(counts: FloatArray | np.ndarray) -> FloatArray:
    """Weights, (levels, levels), of each level against all others by their shares."""
    rest = np.maximum(counts.sum() - counts, 1)[:, None]
    weights = -np.broadcast_to(counts, (len(counts), len(counts))) / rest
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
    sampled = sampled_effects(found.capped, factor, confidence)
    return tuple(
        LevelEffect(
            level=level,
            n=int(n),
            bad=int(ended_badly),
            bad_share=share(int(ended_badly), int(n), confidence),
            as_sampled=plain,
            held=adjusted,
        )
        for level, n, ended_badly, plain, adjusted in zip(
            factor.levels, factor.counts, bad, sampled, held, strict=True
        )
    )


def share(count: int, n: int, confidence: float = 0.95) -> Estimate:
    """`count` of `n` with the exact binomial interval (Clopper & Pearson 1934)."""
    tail = (1 - confidence) / 2
    lower = float(stats.beta.ppf(tail, count, n - count + 1)) if count else 0.0
    upper = float(stats.beta.ppf(1 - tail, count + 1, n - count)) if count < n else 1.0
    value = count / n if n else 0.5
    return Estimate(value=value, lower=lower, upper=upper, n=n, confidence=confidence)


def _interval(value: float, variance: float, degrees: float, n: int, level: float) -> Estimate:
    half = float(stats.t.ppf((1 + level) / 2, max(degrees, 1.0)) * np.sqrt(variance))
    return Estimate(value=value, lower=value - half, upper=value + half, n=n, confidence=level)
