"""The distribution of a population's errors."""

from __future__ import annotations

import numpy as np

from dse.analysis.distributions import edf, quartiles
from speed_cases.trials import Speed, Trials


def dkw(trials: Trials) -> object:
    """The EDF of the finite errors with its band."""
    return edf(trials.outcomes[np.isfinite(trials.outcomes)], len(trials.outcomes))


CASES = (
    Speed(name="EDF, DKW band", run=dkw, limit=0.2),
    Speed(name="quartiles, order statistics", run=lambda trials: quartiles(trials.outcomes)),
)
