"""fANOVA by Optuna, of networks that are on no study of Optuna's."""

from __future__ import annotations

import importlib.util

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import create_trial

from dse.analysis.factors.levels import Factor, Networks

MOST = 5000
"""So many networks at most grow the forest: more take minutes and change little."""


def has_fanova() -> bool:
    """Whether scikit-learn is there, whose forests Optuna's fANOVA grows."""
    return importlib.util.find_spec("sklearn") is not None


def fanova(found: Networks, seed: int = 0) -> dict[str, float]:
    """Each parameter's share of the variance of ranks over main effects, by fANOVA.

    Hutter et al. 2014: a random forest is fitted, and its variance taken apart. It has no interval.
    Empty where scikit-learn is missing, or there are fewer than two networks or parameters.
    """
    if not has_fanova() or len(found) < 2 or len(found.factors) < 2:
        return {}
    if len(found) > MOST:
        rows = np.random.default_rng(seed).choice(len(found), MOST, replace=False)
        found = found.take(np.sort(rows))
    axes = {factor.name: _distribution(factor) for factor in found.factors}
    values = {factor.name: _values(factor) for factor in found.factors}
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study()
        study.add_trials(
            create_trial(
                value=float(place),
                params={name: listed[row] for name, listed in values.items()},
                distributions=axes,
            )
            for row, place in enumerate(found.places)
        )
        return dict(get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=seed)))
    finally:
        optuna.logging.set_verbosity(verbosity)


def _is_number(factor: Factor) -> bool:
    return factor.numbers is not None and bool(np.isfinite(factor.numbers).all())


def _distribution(factor: Factor) -> BaseDistribution:
    if _is_number(factor):
        assert factor.numbers is not None
        return FloatDistribution(float(factor.numbers.min()), float(factor.numbers.max()))
    return CategoricalDistribution(factor.levels)


def _values(factor: Factor) -> list[float] | list[str]:
    if _is_number(factor):
        assert factor.numbers is not None
        return [float(number) for number in factor.numbers]
    return [factor.levels[code] for code in factor.codes]
