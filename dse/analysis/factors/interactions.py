"""Which two parameters matter together: beyond the sum of what each does alone.

Places in the order are at most 1, so two parameters of which each alone makes a network one of the
worst cannot add up there: some interactions are only of the scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from dse.analysis.corrected import holm
from dse.analysis.estimate import Estimate, FloatArray
from dse.analysis.factors.design import Design, pseudo_inverse
from dse.analysis.factors.ftest import LEAST_FREE, f_test
from dse.analysis.factors.levels import Networks


@dataclass(frozen=True, kw_only=True)
class Interaction:
    """Two parameters, `n` networks.

    `size` is the standard deviation over networks of what the two do to a network's place in the
    order of errors (0 is the best, 1 the worst) beyond the sum of all main effects: 0 where there
    is no interaction. `p_value` is that of the F test of no interaction, `corrected` it after
    Holm's correction for the number of pairs. `cell` are the two levels that are farthest from the
    sum of main effects, and by how much, positive where they are worse.
    """

    names: tuple[str, str]
    n: int
    size: Estimate
    p_value: float
    corrected: float
    cell: tuple[str, str, float]


def interactions(found: Networks, confidence: float = 0.95) -> tuple[Interaction, ...]:
    """Every pair of parameters, the smallest p-value first; none where networks are too few.

    For each pair the linear model of all main effects is compared with that and the pair's cells:
    an F test and a non-central F interval (`ftest`), of ranks, as errors are too skewed for these.
    All pairs rest on one table of how often three levels come together, so that 100,000 networks
    take a second.
    """
    if len(found.factors) < 2:
        return ()
    design = Design(found.factors)
    n, free = len(found), len(found) - design.rank
    if free < LEAST_FREE:
        return ()
    left = design.residuals(found.places)
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
    tests = [
        f_test(explained, noise - explained, rank, free - rank, n, confidence)
        for _, explained, rank, _ in rows
    ]
    corrected = holm(np.array([test.p_value for test in tests]))
    listed = [
        Interaction(
            names=names,
            n=n,
            size=test.size,
            p_value=test.p_value,
            corrected=float(after),
            cell=cell,
        )
        for (names, _, _, cell), test, after in zip(rows, tests, corrected, strict=True)
    ]
    return tuple(sorted(listed, key=lambda each: each.p_value))


def _triples(design: Design) -> list[FloatArray]:
    """How often three levels come together: of each factor (levels, all levels, all levels)."""
    matrix = design.matrix.astype(np.float32)  # exact for counts up to 2^24
    found = []
    for factor in design.factors:
        order = np.argsort(factor.codes, kind="stable")
        ends = np.cumsum(factor.counts)
        blocks = [
            matrix[order[start:end]] for start, end in zip(ends - factor.counts, ends, strict=True)
        ]
        found.append(np.stack([(block.T @ block).astype(np.float64) for block in blocks]))
    return found
