"""The distribution of a population's errors."""

from __future__ import annotations

from functools import partial

import numpy as np

from dse.analysis.distributions import (
    BandKind,
    PartlyKnown,
    best_of,
    complexity_weights,
    edf,
    kaplan_meier,
    mean,
    partly_known,
    quartiles,
    weighted_edf,
    worst_case_edf,
)
from speed_cases.trials import Speed, Trials

KS = (1, 2, 5, 10, 20, 50, 100)


def curve(band: BandKind, trials: Trials) -> object:
    """The EDF of the finite errors with its band."""
    return edf(trials.outcomes[np.isfinite(trials.outcomes)], len(trials.outcomes), band=band)


def normalised(trials: Trials) -> object:
    """Two halves made comparable in FLOPs, and the first one's curve."""
    half = trials.flops.size // 2
    found = complexity_weights([trials.flops[:half], trials.flops[half:]])
    return weighted_edf(trials.outcomes[:half], found.weights[0])


def normalised_best(trials: Trials) -> object:
    """The best of k where FLOPs are made uniform."""
    return best_of(trials.errors, KS, weights=complexity_weights([trials.flops]).weights[0])


def cut_off(trials: Trials) -> object:
    """Kaplan-Meier with a quarter of the errors bounded from below alone."""
    partly = np.arange(trials.errors.size) % 4 == 0
    upper = np.where(partly, np.inf, trials.outcomes)
    lower = np.where(partly, np.minimum(trials.outcomes, 0.15), trials.outcomes)
    return kaplan_meier(PartlyKnown(lower=lower, upper=upper))


CASES = (
    Speed(name="EDF, equal-level band", run=partial(curve, "equal_levels"), limit=0.2),
    Speed(name="EDF, DKW band", run=partial(curve, "dkw"), limit=0.2),
    Speed(name="EDF, pointwise band", run=partial(curve, "pointwise"), limit=0.2),
    Speed(name="EDF of equal FLOPs, equal-level band", run=normalised, limit=0.2),
    Speed(
        name="EDF by bounds",
        run=lambda trials: worst_case_edf(partly_known(trials.population)),
        limit=0.2,
    ),
    Speed(name="EDF by Kaplan-Meier", run=cut_off, limit=0.2),
    Speed(name="quartiles", run=lambda trials: quartiles(trials.outcomes)),
    Speed(name="mean, empirical likelihood", run=lambda trials: mean(trials.errors)),
    Speed(name="best of 1 to 100", run=lambda trials: best_of(trials.errors, KS)),
    Speed(name="best of 1 to 100 of equal FLOPs", run=normalised_best),
)
