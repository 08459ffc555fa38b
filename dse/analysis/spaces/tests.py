"""Do two populations differ at all? Permutation tests on their errors.

Only the order of the outcomes counts, so networks that ended badly (`inf`) tie for the worst.
Neither test has a direction; which space is better, and where, `dominance` says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dse.analysis.estimate import FloatArray

PERMUTATIONS = 1999
CELLS = 1024
"""Distinct outcomes are looked at as they are up to so many, beyond in as many cells of them."""
SHUFFLED = 8 * CELLS
"""Up to so many networks are shuffled; of more, how many fall into each cell is drawn."""
AT_ONCE = 2_000_000
Counts = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Tested:
    """A two-sample permutation test; `n` are the networks of either side."""

    statistic: float
    p_value: float
    permutations: int
    n: tuple[int, int]


def permutation_tests(
    a: ArrayLike, b: ArrayLike, *, permutations: int | None = None, seed: int = 0
) -> tuple[Tested, Tested]:
    """Kolmogorov-Smirnov and Anderson-Darling of outcomes `a` (n,) and `b` (m,), `inf` allowed.

    KS is max |F_A - F_B|; Anderson-Darling is the two-sample statistic for tied data, A^2_akN of
    Scholz & Stephens (1987, equation 7), which weighs the tails as well. Under the null hypothesis
    that both are draws from one population every split of the pooled outcomes into n and m is
    equally likely, so p = (1 + hits) / (1 + permutations) is valid with any ties (Phipson & Smyth
    2010); both tests look at the same permutations. Of more than 1,024 distinct outcomes,
    neighbours are taken together, which leaves p valid and moves the gap by about 0.001 at most.
    """
    first, second = (np.asarray(side, dtype=np.float64) for side in (a, b))
    n, m = first.size, second.size
    assert min(n, m) >= 1, "a comparison needs a network on either side"
    pooled = np.sort(np.concatenate([first, second]))
    values, tied = np.unique(pooled, return_counts=True)
    below = np.cumsum(tied)
    seen = np.searchsorted(np.sort(first), values, side="right")[None, :]
    if len(values) > CELLS:
        kept = np.unique(np.searchsorted(below, np.linspace(0, n + m, CELLS + 1)[1:]))
        below, seen = below[kept], seen[:, kept]
        tied = np.diff(below, prepend=0)
    statistics = (
        partial(_kolmogorov_smirnov, below=below, n=n),
        partial(_anderson_darling, below=below, tied=tied, n=n),
    )
    draws = permutations or PERMUTATIONS
    found = [float(statistic(seen)[0]) for statistic in statistics]
    hits = _hits(statistics, found, tied, n, draws, np.random.default_rng(seed))
    ks, ad = (
        Tested(statistic=statistic, p_value=(1 + hit) / (1 + draws), permutations=draws, n=(n, m))
        for statistic, hit in zip((found[0] / (n * m), found[1]), hits, strict=True)
    )
    return ks, ad


def _hits(
    statistics: tuple[Callable[[Counts], FloatArray], ...],
    found: list[float],
    tied: Counts,
    n: int,
    draws: int,
    rng: np.random.Generator,
) -> list[int]:
    """How many of `draws` random splits have statistics at least as large as those found."""
    hits = [0] * len(statistics)
    rows = max(1, AT_ONCE // int(tied.sum()))
    for start in range(0, draws, rows):
        counts = _splits(tied, n, min(rows, draws - start), rng)
        for which, statistic in enumerate(statistics):
            drawn = statistic(counts)
            hits[which] += int(np.sum(drawn >= found[which] * (1 - 1e-12)))
    return hits


def _splits(tied: Counts, n: int, draws: int, rng: np.random.Generator) -> Counts:
    """How many of n networks drawn from all are up to each value, `tied` of which are at it."""
    total = int(tied.sum())
    if total > SHUFFLED:
        drawn = rng.multivariate_hypergeometric(tied, n, size=draws, method="marginals")
        return np.asarray(np.cumsum(drawn, axis=1))
    split = np.zeros(total, dtype=np.int8)
    split[:n] = 1
    labels = np.tile(split, (draws, 1))
    rng.permuted(labels, axis=1, out=labels)
    return np.asarray(np.cumsum(labels, axis=1, dtype=np.int64)[:, np.cumsum(tied) - 1])


def _kolmogorov_smirnov(counts: Counts, below: Counts, n: int) -> FloatArray:
    """n m max |F_A - F_B|, a whole number, of `counts` (draws, values) of A up to each value."""
    return np.asarray(np.abs(below[-1] * counts - n * below).max(axis=1), dtype=np.float64)


def _anderson_darling(counts: Counts, below: Counts, tied: Counts, n: int) -> FloatArray:
    total = int(below[-1])
    if len(below) == 1:
        return np.zeros(len(counts))
    middle = below - tied / 2
    mine = counts - np.diff(counts, axis=1, prepend=0) / 2
    weight = tied / total / (middle * (total - middle) - total * tied / 4)
    sums = ((total * mine - middle * n) ** 2) @ weight
    return np.asarray(sums * (1 / n + 1 / (total - n)) * (total - 1) / total)
