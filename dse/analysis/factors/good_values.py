"""RegNet's empirical bootstrap for good values of a parameter, in closed form.

Radosavovic et al. (2020, section 3.2) draw a quarter of the networks with replacement, keep the
parameter of the best one, repeat this 10^4 times and show the 2.5, 50 and 97.5 percentiles. With m
draws from n networks the r-th best is kept with probability ((n-r+1)/n)^m - ((n-r)/n)^m, so no
draws are needed, and about a dozen networks carry nearly all the weight. The percentiles say where
the best few networks of such a study lie. They are no confidence interval for a best value: with
more networks they do not become narrower around one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from dse.analysis.estimate import FloatArray
from dse.analysis.factors.levels import Factor, Networks

DRAWN = 0.25
PERCENTILES = (0.025, 0.5, 0.975)


@dataclass(frozen=True, kw_only=True)
class GoodValues:
    """Where the best of `draws` networks, drawn from `n`, has a parameter.

    `percentiles` are the 2.5, 50 and 97.5 ones of a number, None of a category. `shares` are how
    often it has each level. `effective_n` is 1/sum w^2: as many equal weights are as uneven.
    """

    name: str
    n: int
    draws: int
    effective_n: float
    percentiles: tuple[float, float, float] | None
    shares: tuple[tuple[str, float], ...]


def good_values(found: Networks, drawn: float = DRAWN) -> tuple[GoodValues, ...]:
    """Of every parameter; `drawn` is the share of the networks that the best one is kept of."""
    if not len(found):
        return ()
    weights = best_weights(found.outcome, draws_of(len(found), drawn))
    return tuple(good_values_of(factor, found.outcome, drawn, weights) for factor in found.factors)


def good_values_of(
    factor: Factor, outcome: FloatArray, drawn: float = DRAWN, weights: FloatArray | None = None
) -> GoodValues:
    """Of one parameter; `weights` are those of all networks, where they are known already.

    Networks that lack a number (a stage they do not have) are left out.
    """
    if factor.numbers is not None and not np.isfinite(factor.numbers).all():
        known = np.flatnonzero(np.isfinite(factor.numbers))
        factor, outcome, weights = factor.take(known), outcome[known], None
    draws = draws_of(len(outcome), drawn)
    if weights is None:
        weights = best_weights(outcome, draws)
    percentiles = None
    if factor.numbers is not None:
        low, middle, high = weighted_quantiles(factor.numbers, weights, PERCENTILES)
        percentiles = float(low), float(middle), float(high)
    shares = np.bincount(factor.codes, weights, len(factor.levels))
    return GoodValues(
        name=factor.name,
        n=len(outcome),
        draws=draws,
        effective_n=float(1 / (weights**2).sum()),
        percentiles=percentiles,
        shares=tuple(zip(factor.levels, shares.tolist(), strict=True)),
    )


def draws_of(n: int, drawn: float = DRAWN) -> int:
    """How many of `n` networks are drawn: a share, rounded, one at least."""
    return max(1, round(drawn * n))


def best_weights(outcome: FloatArray, draws: int) -> FloatArray:
    """The probability of each network to be the best of `draws`, drawn with replacement, (n,).

    Equal outcomes share theirs equally; an infinite outcome is worse than every error.
    """
    n = len(outcome)
    better = stats.rankdata(outcome, method="min") - 1
    not_worse = stats.rankdata(outcome, method="max")
    ties = not_worse - better
    return np.asarray((((n - better) / n) ** draws - ((n - not_worse) / n) ** draws) / ties)


def weighted_quantiles(
    values: FloatArray, weights: FloatArray, shares: tuple[float, ...]
) -> FloatArray:
    """The smallest values at or below which a share of the weight lies."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    places = np.searchsorted(reached, np.array(shares) * reached[-1] * (1 - 1e-12))
    return np.asarray(values[order][np.minimum(places, len(values) - 1)])
