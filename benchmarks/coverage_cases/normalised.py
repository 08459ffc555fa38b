"""Curves of networks weighted so that their FLOPs are uniform."""

from __future__ import annotations

from functools import partial

import numpy as np

from coverage_cases.case import Case, FloatArray, Sample, Space
from dse.analysis.distributions import BandKind, best_of, complexity_weights, weighted_edf

BINS, TRIMMED = 5, (0.05, 0.95)


def weights_of(flops: FloatArray, space: Space) -> FloatArray:
    """Weights over the middle 90 % of the space's FLOPs."""
    low, high = np.quantile(space.flops, TRIMMED)
    return complexity_weights([flops], bins=BINS, limits=(low, high)).weights[0]


def true_curve(space: Space) -> tuple[FloatArray, FloatArray]:
    """The space's distinct errors, and the weighted share strictly below each."""
    weights = np.repeat(weights_of(space.flops, space)[:, None] / 3, 3, axis=1).ravel()
    values = space.errors.ravel()
    grid, place = np.unique(values, return_inverse=True)
    below = np.concatenate([[0.0], np.cumsum(np.bincount(place, weights))])
    return np.append(grid, 1.0), np.minimum(below, 1.0)


def band_covers(band: BandKind, sample: Sample, truth: tuple[FloatArray, FloatArray]) -> bool:
    """Whether the whole weighted curve of the space is in the sample's band."""
    grid, share = truth
    curve = weighted_edf(sample.errors, weights_of(sample.flops, sample.space), band=band)
    lower, upper = curve.band_at(grid)
    return bool(((lower <= share + 1e-12) & (share <= upper + 1e-12)).all())


def true_point(space: Space) -> tuple[FloatArray, FloatArray]:
    """The error nearest to the weighted median, and the share below it."""
    grid, share = true_curve(space)
    place = [int(np.abs(share - 0.5).argmin())]
    return grid[place], share[place]


def true_best(k: int, space: Space) -> float:
    """The expected least of k draws with replacement from the weighted curve."""
    grid, share = true_curve(space)
    left = (1 - np.append(share, 1.0)) ** k
    return float(-np.diff(left) @ grid)


def best_covers(k: int, sample: Sample, truth: float) -> bool:
    """The interval of the mean of the best of k weighted draws."""
    weights = weights_of(sample.flops, sample.space)
    found = best_of(sample.errors, [k], weights=weights)[0].error
    return found.lower <= truth <= found.upper


BANDS: tuple[BandKind, ...] = ("equal_levels", "dkw")
CASES = (
    *(
        Case(
            name=f"normalised EDF, band {band}",
            kind="band",
            truth=true_curve,
            covers=partial(band_covers, band),
        )
        for band in BANDS
    ),
    Case(
        name="normalised EDF, pointwise where F = 0.5",
        kind="interval",
        truth=true_point,
        covers=partial(band_covers, "pointwise"),
    ),
    Case(
        name="normalised mean of the best of 5",
        kind="interval",
        truth=partial(true_best, 5),
        covers=partial(best_covers, 5),
        sizes=(100, 500),
    ),
)
