"""What matters: 20 parameters of four levels each."""

from __future__ import annotations

from functools import cache

import numpy as np

from dse.analysis.factors.contrasts import level_effects
from dse.analysis.factors.good_values import good_values
from dse.analysis.factors.importance import importances
from dse.analysis.factors.interactions import interactions
from dse.analysis.factors.levels import Factor, Networks, networks
from dse.analysis.factors.narrowing import narrowing
from speed_cases.trials import Speed, Trials


@cache
def codes(n: int) -> np.ndarray:
    """Levels drawn at random, shape (n, 20)."""
    return np.random.default_rng(0).integers(4, size=(n, 20))


def found(trials: Trials) -> Networks:
    """The errors of the trials with 20 parameters that they know nothing of."""
    drawn = codes(len(trials.outcomes))
    columns = tuple(
        Factor(
            name=f"parameter.{k}",
            codes=drawn[:, k],
            levels=("1", "2", "3", "4"),
            numbers=drawn[:, k] + 1.0,
            edges=((1.0, 1.0), (2.0, 2.0), (3.0, 3.0), (4.0, 4.0)),
        )
        for k in range(drawn.shape[1])
    )
    return Networks(outcome=trials.outcomes, factors=columns, classes=10)


CASES = (
    Speed(name="parameters as levels", run=lambda trials: networks(trials.population)),
    Speed(name="effects of levels", run=lambda trials: level_effects(found(trials))),
    Speed(name="interactions of 190 pairs", run=lambda trials: interactions(found(trials))),
    Speed(name="importance", run=lambda trials: importances(found(trials))),
    Speed(name="good values", run=lambda trials: good_values(found(trials))),
    Speed(name="narrower space", run=lambda trials: narrowing(found(trials))),
)
