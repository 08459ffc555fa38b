"""The distribution of a population's errors: bands of the EDF, quantiles, means, best of k."""

from __future__ import annotations

from functools import partial

import numpy as np

from coverage_cases.case import Case, FloatArray, Sample, Space
from dse.analysis.distributions import edf, quantile

QUANTILES = (0.1, 0.25, 0.5, 0.75)


def true_curve(space: Space) -> tuple[FloatArray, FloatArray]:
    """The space's distinct errors, and its distribution function just above each."""
    values = np.sort(space.errors, axis=None)
    grid = np.unique(values)
    return grid, np.searchsorted(values, grid, side="right") / values.size


def true_quantile(p: float, space: Space) -> float:
    """The inverse of the space's distribution function."""
    return float(np.quantile(space.errors, p, method="inverted_cdf"))


def dkw_covers(sample: Sample, truth: tuple[FloatArray, FloatArray]) -> bool:
    """Whether the whole true curve is in the band: both are steps on the space's errors."""
    grid, share = truth
    curve = edf(sample.errors, len(sample.errors))
    steps = np.concatenate([[0.0], curve.fraction])
    gap = np.abs(steps[np.searchsorted(curve.errors, grid, side="right")] - share).max()
    return bool(gap <= curve.half_width)


def quantile_covers(p: float, sample: Sample, truth: float) -> bool:
    """The exact interval of order statistics."""
    found = quantile(sample.errors, p)
    return found.lower <= truth <= found.upper


CASES = (
    Case(name="EDF, DKW band", kind="band", truth=true_curve, covers=dkw_covers),
    *(
        Case(
            name=f"{p:g}-quantile, order statistics",
            kind="interval",
            truth=partial(true_quantile, p),
            covers=partial(quantile_covers, p),
        )
        for p in QUANTILES
    ),
)
