"""The distribution of a population's errors."""

from __future__ import annotations

from functools import partial

import numpy as np

from dse.analysis.distributions import BandKind, best_of, edf, mean, quantile, quartiles
from speed_cases.trials import Speed, Trials

KS = (1, 2, 5, 10, 20, 50, 100)


def curve(band: BandKind, trials: Trials) -> object:
    """The EDF of the finite errors with its band."""
    return edf(trials.outcomes[np.isfinite(trials.outcomes)], len(trials.outcomes), band=band)


CASES = (
    Speed(name="EDF, equal-level band", run=partial(curve, "equal_levels"), limit=0.2),
    Speed(name="EDF, DKW band", run=partial(curve, "dkw"), limit=0.2),
    Speed(name="EDF, pointwise band", run=partial(curve, "pointwise"), limit=0.2),
    Speed(name="quartiles, exact", run=lambda trials: quartiles(trials.outcomes)),
    Speed(name="median, BCa", run=lambda trials: quantile(trials.outcomes, 0.5, method="bca")),
    Speed(name="mean, empirical likelihood", run=lambda trials: mean(trials.errors)),
    Speed(name="mean, BCa", run=lambda trials: mean(trials.errors, method="bca")),
    Speed(name="best of 1 to 100", run=lambda trials: best_of(trials.errors, KS)),
)
