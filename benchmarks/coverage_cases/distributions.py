"""The distribution of a population's errors: bands of the EDF, quantiles, means, best of k."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from coverage_cases.case import Case, FloatArray, Sample, Space
from dse.analysis.distributions import BandKind, best_of, edf, mean, median_best_of, quantile
from dse.analysis.distributions.quantiles import SUPPORT
from dse.analysis.estimate import Estimate

Curve = tuple[FloatArray, FloatArray]


def true_curve(space: Space) -> Curve:
    """The space's distinct errors, with one beyond them, and the share strictly below each."""
    values = np.sort(space.errors, axis=None)
    grid = np.append(np.unique(values), 1.0)
    return grid, np.searchsorted(values, grid, side="left") / values.size


def band_covers(band: BandKind, sample: Sample, truth: Curve) -> bool:
    """Whether the whole true curve is in the band: both are steps on the space's errors."""
    grid, share = truth
    lower, upper = edf(sample.errors, len(sample.errors), band=band).band_at(grid)
    return bool(((lower <= share) & (share <= upper)).all())


def true_point(p: float, space: Space) -> tuple[float, float]:
    """An error, and the share of the space strictly below it: the nearest to p."""
    grid, share = true_curve(space)
    place = int(np.abs(share - p).argmin())
    return float(grid[place]), float(share[place])


def point_covers(sample: Sample, truth: tuple[float, float]) -> bool:
    """The pointwise band at one error."""
    curve = edf(sample.errors, len(sample.errors), band="pointwise")
    lower, upper = curve.band_at(truth[0])
    return bool(lower <= truth[1] <= upper)


def true_quantile(p: float, space: Space) -> float:
    """The inverse of the space's distribution function."""
    return float(np.quantile(space.errors, p, method="inverted_cdf"))


def true_best(k: int, space: Space) -> float:
    """The expected least of k draws with replacement."""
    values = np.sort(space.errors, axis=None)
    left = (np.arange(values.size, -1, -1) / values.size) ** k
    return float(-np.diff(left) @ values)


def holds(estimate: Callable[[FloatArray], Estimate], sample: Sample, truth: float) -> bool:
    """Whether the interval of the sample's errors holds the truth."""
    found = estimate(sample.errors)
    return found.lower <= truth <= found.upper


def _best(k: int, errors: FloatArray) -> Estimate:
    return best_of(errors, [k])[0].error


BANDS: tuple[BandKind, ...] = ("equal_levels", "dkw")
CASES = (
    *(
        Case(
            name=f"EDF, band {band}",
            kind="band",
            truth=true_curve,
            covers=partial(band_covers, band),
        )
        for band in BANDS
    ),
    *(
        Case(
            name=f"EDF, pointwise where F = {p:g}",
            kind="interval",
            truth=partial(true_point, p),
            covers=point_covers,
        )
        for p in (0.05, 0.25, 0.5, 0.75)
    ),
    *(
        Case(
            name=f"{p:g}-quantile",
            kind="interval",
            truth=partial(true_quantile, p),
            covers=partial(holds, partial(quantile, p=p)),
        )
        for p in (0.1, 0.25, 0.5, 0.75)
    ),
    Case(
        name="mean, empirical likelihood",
        kind="interval",
        truth=lambda space: float(space.errors.mean()),
        covers=partial(holds, mean),
    ),
    *(
        Case(
            name=f"mean of the best of {k}",
            kind="interval",
            truth=partial(true_best, k),
            covers=partial(holds, partial(_best, k)),
            sizes=tuple(n for n in (50, 100, 500) if n >= SUPPORT * k),
        )
        for k in (2, 5, 10, 25)
    ),
    *(
        Case(
            name=f"median of the best of {k}",
            kind="interval",
            truth=partial(true_quantile, 1 - 0.5 ** (1 / k)),
            covers=partial(holds, partial(median_best_of, k=k)),
        )
        for k in (5, 10)
    ),
)
