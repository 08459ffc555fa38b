"""Does the change matter at all? Tests of paired differences, and counts with intervals.

Each takes the differences (n,) of pairs, first arm less second; `inf` and `-inf` are pairs in which
only one arm ended badly, and 0 is a tie, as two bad ends are. p-values are two-sided.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from dse.analysis.estimate import Estimate, FloatArray

EXACT_PAIRS = 14
NORMAL_PAIRS = 2000
DRAWS = 9999


@dataclass(frozen=True, kw_only=True)
class Wins:
    """In how many pairs each arm had the lower error; `share` is that of the first in all pairs."""

    first: int
    second: int
    ties: int
    share: Estimate


@dataclass(frozen=True, kw_only=True)
class BadEnds:
    """Pairs by which arm ended badly, and the p-value that both arms do so equally often."""

    only_first: int
    only_second: int
    both: int
    p: float


def ranked_differences(outcomes: FloatArray) -> FloatArray:
    """First less second outcome (n, 2) -> (n,), 0 where both ended badly."""
    first, second = outcomes.T
    both = np.isinf(first) & np.isinf(second)
    with np.errstate(invalid="ignore"):  # inf - inf, which is not taken
        return np.where(both, 0.0, first - second)


def sign_test(differences: FloatArray) -> float:
    """Exact sign test (Dixon & Mood 1946): the pairs that are no tie fall either way equally often.

    Any distribution; 1 where all are ties.
    """
    return _even(int((differences < 0).sum()), int((differences > 0).sum()))


def wins(differences: FloatArray, confidence: float = 0.95) -> Wins:
    """How often the first arm is better, with Wilson's (1927) interval of a share.

    It covers a little less than the nominal confidence for some shares, a little more for others,
    and is the nearest to it of the usual ones (Brown, Cai & DasGupta 2001).
    """
    n = len(differences)
    first = int((differences < 0).sum())
    second = int((differences > 0).sum())
    bounds = stats.binomtest(first, n).proportion_ci(confidence, method="wilson")
    share = Estimate(
        value=first / n,
        lower=float(bounds.low),
        upper=float(bounds.high),
        n=n,
        confidence=confidence,
    )
    return Wins(first=first, second=second, ties=n - first - second, share=share)


def bad_ends(bad: NDArray[np.bool_]) -> BadEnds:
    """Which arm ended badly (n, 2), with McNemar's (1947) test in its exact binomial form.

    Only pairs in which one arm alone ended badly say anything of a difference; 1 without any.
    """
    first, second = bad.T
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    return BadEnds(
        only_first=only_first,
        only_second=only_second,
        both=int((first & second).sum()),
        p=_even(only_first, only_second),
    )


def wilcoxon_test(differences: FloatArray) -> float:
    """Wilcoxon's (1945) signed-rank test: differences are symmetric about zero.

    Ties are left out. Exact for up to 50 pairs without equal differences, and for 13 with; normal
    with the correction for ties beyond (scipy). Only ranks count; bad ends are among the largest.
    """
    some = differences[differences != 0]
    if not some.size:
        return 1.0
    ranks = np.sign(some) * stats.rankdata(np.abs(some))
    return float(stats.wilcoxon(ranks).pvalue)


def sign_flip_test(differences: FloatArray, *, draws: int = DRAWS, seed: int = 0) -> float:
    """Permutation test of the mean (Fisher 1935): arms are exchangeable within each pair.

    Finite differences. All 2^n signs up to 14 pairs. Beyond, `draws` random ones, with the sample
    itself counted among them, which is exact as well (Phipson & Smyth 2010). Beyond 2,000 pairs the
    normal distribution of the same variance, sum d^2: the exact one is symmetric, so that only its
    kurtosis differs, by 1/n.
    """
    assert np.isfinite(differences).all(), "a mean needs finite differences"
    sizes = np.abs(differences[differences != 0])
    n, found = len(sizes), abs(float(differences.sum()))
    if not n:
        return 1.0
    if n > NORMAL_PAIRS:
        return float(2 * stats.norm.sf(found / np.sqrt(np.sum(sizes**2))))
    least = found - 1e-12 * float(sizes.sum())  # a sum in another order is the same sum
    if n <= EXACT_PAIRS:
        return float((np.abs(_all_signs(n) @ sizes) >= least).mean())
    rng = np.random.default_rng(seed)
    signs = 1 - 2 * rng.integers(0, 2, (draws, n), dtype=np.int8)
    return float((1 + (np.abs(signs @ np.sort(sizes)) >= least).sum()) / (draws + 1))


def _all_signs(n: int) -> FloatArray:
    bits = np.arange(2**n)[:, None] >> np.arange(n) & 1
    return np.asarray(1.0 - 2.0 * bits)


def _even(one: int, other: int) -> float:
    """Two-sided exact p-value that a fair coin falls so."""
    both = one + other
    return float(stats.binomtest(one, both).pvalue) if both else 1.0
