"""Curves of errors of which a quarter is known only from below."""

from __future__ import annotations

from functools import partial

import numpy as np

from coverage_cases.case import Case, Sample
from coverage_cases.distributions import Curve, true_curve, true_point
from dse.analysis.distributions import PartlyKnown, kaplan_meier, worst_case_edf


def cut_off(sample: Sample) -> PartlyKnown:
    """A quarter of the errors bounded from below by another error of the space, drawn anew."""
    errors = sample.errors
    cut = sample.rng.choice(sample.space.errors.ravel(), errors.size)
    partly = (sample.rng.random(errors.size) < 0.5) & (cut < errors)
    return PartlyKnown(lower=np.where(partly, cut, errors), upper=np.where(partly, np.inf, errors))


def worst_case_covers(sample: Sample, truth: Curve) -> bool:
    """Whether the whole true curve is in the band around both bounds."""
    grid, share = truth
    lower, upper = worst_case_edf(cut_off(sample)).band_at(grid)
    return bool(((lower <= share) & (share <= upper)).all())


def kaplan_meier_covers(sample: Sample, truth: tuple[float, float]) -> bool:
    """The pointwise band at one error."""
    lower, upper = kaplan_meier(cut_off(sample)).band_at(truth[0])
    return bool(lower <= truth[1] <= upper)


CASES = (
    Case(
        name="EDF, a quarter cut off, band by bounds",
        kind="band",
        truth=true_curve,
        covers=worst_case_covers,
    ),
    *(
        Case(
            name=f"Kaplan-Meier, a quarter cut off, where F = {p:g}",
            kind="interval",
            truth=partial(true_point, p),
            covers=kaplan_meier_covers,
        )
        for p in (0.25, 0.5, 0.75)
    ),
)
