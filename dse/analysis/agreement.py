"""How far two measurements put the same networks into the same order, with bootstrap intervals.

Everything here is a function of outcomes (n,), where lower is better and `inf` (ended badly) ties
for the worst, and of weights (B, n): how often each network is in each of B resamples. So the
sample itself is a row of ones, and all resamples are a few products of matrices.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from dse.analysis.estimate import Estimate, FloatArray

DRAWS, SEED = 4000, 0
MINIMUM_NETWORKS = 5
Statistic = Callable[[FloatArray], FloatArray]
"""Weights (B, n) to values (B,), NaN where a resample has none."""


def kendall_tau(x: FloatArray, y: FloatArray) -> Statistic:
    """Kendall's tau-b of weighted samples of the pairs (x_i, y_i).

    (C - D) / sqrt((pairs untied in x) (pairs untied in y)) (Kendall 1945). A network that is in a
    resample twice is tied with itself, and counts in none of the three.
    """
    sx, sy = _signs(x), _signs(y)
    parts = (sx * sy, np.abs(sx), np.abs(sy))

    def tau(weights: FloatArray) -> FloatArray:
        both, in_x, in_y = (((weights @ part) * weights).sum(axis=1) for part in parts)
        return _ratio(both, in_x * in_y)

    return tau


def spearman_rho(x: FloatArray, y: FloatArray) -> Statistic:
    """Spearman's rho of weighted samples: Pearson's correlation of their mid-ranks.

    Less their mean, mid-ranks in a resample are sum_j w_j sign(x_i - x_j) / 2.
    """
    sx, sy = _signs(x), _signs(y)

    def rho(weights: FloatArray) -> FloatArray:
        a, b = weights @ sx.T, weights @ sy.T
        both, in_x, in_y = ((weights * part).sum(axis=1) for part in (a * b, a * a, b * b))
        return _ratio(both, in_x * in_y)

    return rho


def regret(cheap: FloatArray, dear: FloatArray, k: int) -> Statistic:
    """The least dear outcome of the k best by `cheap`, less the least dear outcome of all.

    What one loses by training only the k best of a resample's networks under the dear proxy. Equal
    networks are taken by their number. Infinite where all k ended badly, NaN where all did.
    """
    order = order_of(cheap)
    ranked = dear[order]

    def lost(weights: FloatArray) -> FloatArray:
        here = weights[:, order] > 0
        chosen = here & (here.cumsum(axis=1) <= k)
        best = np.where(here, ranked, np.inf).min(axis=1)
        picked = np.where(chosen, ranked, np.inf).min(axis=1)
        with np.errstate(invalid="ignore"):  # inf - inf: there is nothing to lose
            return np.asarray(picked - best)

    return lost


def bootstrap(
    statistic: Statistic, n: int, *, confidence: float = 0.95, draws: int = DRAWS, seed: int = SEED
) -> Estimate | None:
    """The statistic with the percentile interval (Efron 1979) over n networks; None without one.

    `draws` samples of n networks with replacement, by a generator with `seed`; those that have no
    value (all networks tied) are left out. The bounds are values themselves, never between two, so
    that infinite ones are allowed.
    """
    value = float(statistic(np.ones((1, n)))[0])
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(n, np.full(n, 1 / n), size=draws).astype(np.float64)
    found = statistic(weights)
    found = found[~np.isnan(found)]
    if np.isnan(value) or not found.size:
        return None
    tails = ((1 - confidence) / 2, (1 + confidence) / 2)
    lower, upper = np.quantile(found, tails, method="inverted_cdf")
    return Estimate(value=value, lower=float(lower), upper=float(upper), n=n, confidence=confidence)


def rank_agreement(
    x: FloatArray, y: FloatArray, *, confidence: float = 0.95, draws: int = DRAWS, seed: int = SEED
) -> tuple[Estimate | None, Estimate | None]:
    """Tau-b and rho with intervals; None below five networks or where one side does not vary.

    A perfect order stays one in every resample, so the bootstrap's interval would have no width.
    Its inner bound is then that of the next order to it, with two neighbours swapped, by Fisher's z
    with the variance 0.437 / (n - 4) for tau (Fieller, Hartley & Pearson 1957) and
    (1 + rho^2 / 2) / (n - 3) for rho (Bonett & Wright 2000).
    """
    n = len(x)
    if n < MINIMUM_NETWORKS:
        return None, None
    tau, rho = (
        bootstrap(statistic, n, confidence=confidence, draws=draws, seed=seed)
        for statistic in (kendall_tau(x, y), spearman_rho(x, y))
    )
    near = 1 - 12 / (n * (n**2 - 1))
    return (
        _widened(tau, 1 - 4 / (n * (n - 1)), 0.437 / (n - 4)),
        _widened(rho, near, (1 + near**2 / 2) / (n - 3)),
    )


def top_overlap(cheap: FloatArray, dear: FloatArray, k: int) -> tuple[int, float]:
    """How many of the k best are the same, and the chance of as many for orders without relation.

    The probability of at least as many common ones is hypergeometric: k drawn of n, k of which
    are the best. Equal networks are taken by their number.
    """
    shared = len(set(order_of(cheap)[:k]) & set(order_of(dear)[:k]))
    return shared, float(stats.hypergeom.sf(shared - 1, len(cheap), k, k))


def order_of(values: FloatArray) -> NDArray[np.intp]:
    """Places of the networks from the best to the worst, equal ones in their order."""
    return np.argsort(values, kind="stable")


def tau_of_correlation(r: float) -> float:
    """Kendall's tau of a bivariate normal of correlation r: 2/pi asin r (Greiner 1909)."""
    return float(2 / np.pi * np.arcsin(r))


def rho_of_correlation(r: float) -> float:
    """Spearman's rho of a bivariate normal of correlation r: 6/pi asin(r/2) (Pearson 1907)."""
    return float(6 / np.pi * np.arcsin(r / 2))


def _signs(values: FloatArray) -> FloatArray:
    """sign(x_i - x_j) as a matrix (n, n); two infinite values are equal."""
    above = (values[:, None] > values[None, :]).astype(np.float64)
    return np.asarray(above - above.T)


def _ratio(both: FloatArray, squared: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.where(squared > 0, both / np.sqrt(squared), np.nan)
    return np.asarray(np.clip(found, -1, 1))


def _widened(found: Estimate | None, near: float, variance: float) -> Estimate | None:
    """A perfect order's interval, with an inner bound by Fisher's z."""
    if found is None or abs(found.value) < 1 - 1e-12:
        return found
    spread = float(stats.norm.ppf((1 + found.confidence) / 2)) * np.sqrt(variance)
    inner = float(np.tanh(np.arctanh(near) - spread))
    lower, upper = (inner, 1.0) if found.value > 0 else (-1.0, -inner)
    return Estimate(
        value=found.value, lower=lower, upper=upper, n=found.n, confidence=found.confidence
    )
