"""How good the best of k networks is, and how much of the space may be better than the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dse.analysis.distributions.quantiles import SUPPORT, quantile
from dse.analysis.estimate import Estimate, FloatArray
from dse.analysis.likelihood import likelihood_interval


@dataclass(frozen=True, kw_only=True)
class BestOf:
    """The mean error of the best of `k` networks drawn at random, one training each.

    The bounds of `error` are infinite where the population is less than `SUPPORT` times k: by
    then too few networks decide it, and an interval would cover too rarely.
    """

    k: int
    error: Estimate


def best_of(
    errors: ArrayLike,
    ks: Sequence[int],
    *,
    weights: ArrayLike | None = None,
    strata: ArrayLike = 0,
    confidence: float = 0.95,
) -> tuple[BestOf, ...]:
    """Random-search efficiency: the expected minimum of k draws, for each of `ks` (at most n).

    Of equally weighted networks the mean over all subsets of k of them, which is unbiased:
    E = sum e_(r) C(n - r, k - 1) / C(n, k). Of `weights`, k draws with replacement from the
    weighted EDF (Radosavovic et al. 2019): E = sum e_(r) [(1 - S_(r-1))^k - (1 - S_r)^k] with S
    the cumulative weight; biased upwards by the order of k/n.

    The interval is that of a mean by empirical likelihood over each network's influence on E
    (`likelihood.likelihood_interval`, after Jing, Yuan & Zhou 2009), less the weighted mean of its
    stratum where `weights` are made so that `strata` have fixed shares. `errors` are finite
    (`dse.analysis.population.capped`).
    """
    values = np.asarray(errors, dtype=np.float64)
    n = values.size
    assert n >= 1, "a best needs a network"
    assert np.isfinite(values).all(), "an expected error needs finite errors"
    assert all(1 <= k <= n for k in ks), "k is from 1 to the number of networks"
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    if weights is None:
        shares = np.full(n, 1 / n)
    else:
        given = np.asarray(weights, dtype=np.float64)
        shares = given[order] / given.sum()
    groups = np.unique(np.broadcast_to(strata, n)[order], return_inverse=True)[1]
    return tuple(
        _best_of(ordered, shares, groups, k, equal=weights is None, confidence=confidence)
        for k in ks
    )


def _best_of(
    ordered: FloatArray,
    shares: FloatArray,
    groups: NDArray[np.intp],
    k: int,
    *,
    equal: bool,
    confidence: float,
) -> BestOf:
    n = ordered.size
    left = np.clip(1 - np.cumsum(shares), 0, 1)
    chances = _subset_chances(n, k) if equal else -np.diff(left**k, prepend=1.0)
    value = float(chances @ ordered)
    influence = _influence(ordered, left, k)
    weight = np.bincount(groups, shares)
    centre = np.bincount(groups, shares * influence) / np.where(weight > 0, weight, 1.0)
    influence = n * shares * (influence - centre[groups])
    error = likelihood_interval(value + influence, confidence)
    error = replace(error, value=value)
    if n < SUPPORT * k:
        error = replace(error, lower=-np.inf, upper=np.inf)
    return BestOf(k=k, error=error)


def _subset_chances(n: int, k: int) -> FloatArray:
    """C(n - r, k - 1) / C(n, k) for r = 1..n: how often rank r is the best of a subset of k."""
    ranks = np.arange(1, n)
    steps = np.maximum(n - ranks - k + 1, 0) / (n - ranks)
    return np.asarray(k / n * np.cumprod(np.concatenate([[1.0], steps])))


def _influence(ordered: FloatArray, left: FloatArray, k: int) -> FloatArray:
    """The derivative of the integral of (1 - F)^k by the share of each network."""
    slopes = k * left[:-1] ** (k - 1) * np.diff(ordered)
    total = slopes @ left[:-1]
    return np.concatenate([[0.0], np.cumsum(slopes)]) - total


def median_best_of(outcomes: ArrayLike, k: int, confidence: float = 0.95) -> Estimate:
    """The error that half of all searches of k random networks reach, with a quantile's interval.

    The best of k is above e with the probability (1 - F(e))^k, so its median is the quantile of one
    network at 1 - 2^(-1/k). Unlike the mean it has an interval at every k, open below where n is
    too small, and needs no error of those that ended badly (`inf`).
    """
    assert k >= 1, "a search has a network"
    return quantile(outcomes, 1 - 0.5 ** (1 / k), confidence)


def share_beyond_best(n: int, confidence: float = 0.95) -> float:
    """The largest share of the space that may still beat the best of n networks drawn from it.

    If a share s is better than the best found, n independent draws all missed it, which has the
    probability (1 - s)^n; so s <= 1 - alpha^(1/n) with the given confidence (Wilks 1941). It
    speaks of one training each, seed noise included.
    """
    assert n >= 1, "a best needs a network"
    return float(1 - (1 - confidence) ** (1 / n))
