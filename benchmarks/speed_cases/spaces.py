"""Comparing two spaces of half the networks each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dse.analysis.reliability import seed_table
from dse.analysis.spaces.components import components
from dse.analysis.spaces.differences import mean_difference, quantile_difference
from dse.analysis.spaces.dominance import beats, edf_gap
from dse.analysis.spaces.power import networks_for_ks
from dse.analysis.spaces.tests import permutation_tests
from speed_cases.trials import Speed, Trials

TWICE = 10_000
"""So many networks have a second seed, the first ones by index."""


def halves(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Every second network."""
    return values[::2], values[1::2]


def of_halves(name: str, estimate: Callable[..., object], limit: float = 2.0) -> Speed:
    """An estimator of two spaces, on outcomes with bad ends."""
    return Speed(name=name, run=lambda t: estimate(*halves(t.outcomes)), limit=limit)


def spread(trials: Trials) -> object:
    """The components of one population."""
    repeated = seed_table(trials.population, TWICE)
    return components(trials.outcomes, repeated[np.isfinite(repeated).all(axis=1)])


CASES = (
    of_halves("Kolmogorov-Smirnov and Anderson-Darling, permutations", permutation_tests),
    of_halves("difference of medians, closed bootstrap", quantile_difference),
    Speed(
        name="difference of means, Welch",
        run=lambda trials: mean_difference(*halves(trials.errors)),
    ),
    of_halves("gap of EDFs", edf_gap, limit=0.2),
    of_halves("P(A beats B)", beats),
    of_halves("networks to tell by Kolmogorov-Smirnov", networks_for_ks),
    Speed(name="spread of networks and seeds", run=spread),
)
