"""Which two parameters matter together: beyond the sum of what each does alone."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import special, stats

from dse.analysis.estimate import Estimate, FloatArray
from dse.analysis.factors.design import Design, pseudo_inverse
from dse.analysis.factors.levels import Networks, holm

LEAST_FREE = 10
"""Fewer degrees of freedom than that are no measure of noise."""


@dataclass(frozen=True, kw_only=True)
class Interaction:
    """Two parameters, `n` networks.

    `size` is the standard deviation over networks [error fraction] of what the two do beyond the
    sum of all main effects: 0 where there is no interaction. `p_value` is that of the F test of no
    interaction, `corrected` it after Holm's correction for the number of pairs. `cell` are the two
    levels that are farthest from the sum of main effects, and by how much [error fraction].
    """

    names: tuple[str, str]
    n: int
    size: Estimate
    p_value: float
    corrected: float
    cell: tuple[str, str, float]


def interactions(found: Networks, confidence: float = 0.95) -> tuple[Interaction, ...]:
    """Every pair of parameters, the smallest p-value first; none where networks are too few.

    For each pair the linear model of all main effects is compared with that and the pair's cells
    (F test, capped outcomes). The interval of the size comes from the non-central F distribution
    (Steiger 2004): it holds a model with equal noise everywhere. All pairs rest on one table of how
    often three levels come together, so 100,000 networks take a second.
    """
    if len(found.factors) < 2:
        return ()
    design = Design(found.factors)
    n, free = len(found), len(found) - design.rank
    if free < LEAST_FREE:
        return ()
    left = design.residuals(found.capped)
    noise = float(left @ left)
    if noise <= 1e-18 * n:
        return ()
    sums = design.matrix.T @ (left[:, None] * design.matrix)
    together = _triples(design)
    rows = []
    for a, b in combinations(range(len(found.factors)), 2):
        levels = tuple(found.factors[k].levels for k in (a, b))
        of_cells = sums[design.columns(a), design.columns(b)].ravel()
        shared = together[a][:, design.columns(b), :].reshape(len(of_cells), -1)
        counts = design.gram[design.columns(a), design.columns(b)].ravel()
        inverse, rank = pseudo_inverse(np.diag(counts) - shared @ design.inverse @ shared.T)
        if rank == 0 or free - rank < LEAST_FREE:
            continue
        effects = inverse @ of_cells
        farthest = int(np.argmax(np.abs(effects) * np.sqrt(counts)))
        first, second = divmod(farthest, len(levels[1]))
        rows.append(
            (
                (found.factors[a].name, found.factors[b].name),
                float(of_cells @ effects),
                rank,
                (levels[0][first], levels[1][second], float(effects[farthest])),
            )
        )
    tests = [_test(noise, explained, rank, free, n, confidence) for _, explained, rank, _ in rows]
    corrected = holm(np.array([p_value for p_value, _ in tests]))
    listed = [
        Interaction(
            names=names, n=n, size=size, p_value=p_value, corrected=float(after), cell=cell
        )
        for (names, _, _, cell), (p_value, size), after in zip(rows, tests, corrected, strict=True)
    ]
    return tuple(sorted(listed, key=lambda each: each.p_value))


def _test(
    noise: float, explained: float, rank: int, free: int, n: int, confidence: float
) -> tuple[float, Estimate]:
    """The F test's p-value, and the size with its interval."""
    degrees = free - rank
    variance = max(noise - explained, 1e-300) / degrees
    statistic = explained / rank / variance
    tails = np.array([(1 + confidence) / 2, (1 - confidence) / 2])
    bounds = noncentrality(statistic, rank, degrees, tails)
    value = max(explained - rank * variance, 0.0) / n
    lower, upper = np.sqrt(bounds * variance / n)
    size = Estimate(
        value=float(np.sqrt(value)),
        lower=float(lower),
        upper=float(upper),
        n=n,
        confidence=confidence,
    )
    return float(stats.f.sf(statistic, rank, degrees)), size


def noncentrality(
    statistic: float, rank: int, degrees: int, below: FloatArray
) -> FloatArray:
    """The non-centralities at which shares `below` of F(rank, degrees) lie below `statistic`.

    0 where even the central distribution has less below it.
    """
    reached = special.ncfdtr(rank, degrees, 0.0, statistic)
    found = np.zeros(len(below))
    for place in np.flatnonzero(reached > below):
        low, high = 0.0, max(4.0 * rank * statistic, 50.0)
        while special.ncfdtr(rank, degrees, high, statistic) > below[place]:
            low, high = high, 4 * high
        for _ in range(50):
            middle = (low + high) / 2
            above = special.ncfdtr(rank, degrees, middle, statistic) > below[place]
            low, high = (middle, high) if above else (low, middle)
        found[place] = (low + high) / 2
    return found


def _triples(design: Design) -> list[FloatArray]:
    """How often three levels come together: of each factor (levels, all levels, all levels)."""
    matrix = design.matrix.astype(np.float32)  # exact for counts up to 2^24
    found = []
    for factor in design.factors:
        order = np.argsort(factor.codes, kind="stable")
        ends = np.cumsum(factor.counts)
        blocks = [matrix[order[start:end]] for start, end in zip(ends - factor.counts, ends, strict=True)]
        found.append(np.stack([(block.T @ block).astype(np.float64) for block in blocks]))
    return found
