from __future__ import annotations

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import create_trial

from dse.analysis.factors.importance import importances, ped_anova, variance_share
from dse.analysis.factors.levels import Networks
from tests.analysis.factors.made import factor, made


def test_ped_anova_is_optunas_of_categories():
    found = made(200)
    axis = CategoricalDistribution(("a", "b", "c"))
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study()
    study.add_trials(
        create_trial(
            value=float(error),
            params={each.name: each.levels[each.codes[row]] for each in found.factors},
            distributions={each.name: axis for each in found.factors},
        )
        for row, error in enumerate(found.outcome)
    )
    theirs = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    ours, best = ped_anova(found)
    assert best == 20
    for each, share in zip(found.factors, ours, strict=True):
        assert share == pytest.approx(theirs[each.name], abs=1e-9)


def test_the_parameter_that_matters_comes_first_with_an_interval():
    rows = importances(made(), fanova={"p0": 0.9})
    assert [row.name for row in rows][:2] == ["p0", "p1"]
    assert rows[0].variance_share is not None
    assert 0.3 < rows[0].variance_share.lower < rows[0].variance_share.upper < 0.9
    assert rows[0].fanova == 0.9
    assert rows[1].fanova is None
    assert rows[-1].variance_share is not None
    assert rows[-1].variance_share.lower == 0


def test_bad_ends_are_the_worst_of_the_order():
    found = made()
    worst = np.where(found.outcome > 0.3, np.inf, found.outcome)
    bad = Networks(outcome=worst, factors=found.factors, classes=10)
    last = Networks(outcome=np.minimum(worst, 5.0), factors=found.factors, classes=10)
    assert importances(bad) == importances(last)


def test_the_share_is_that_of_the_formula():
    codes = np.arange(40_000) % 4
    places = 0.1 * codes + np.random.default_rng(0).standard_normal(40_000) * 0.1
    found = variance_share(places, factor(codes))
    assert found is not None
    assert found.lower < 0.0125 / 0.0225 < found.upper
    assert found.upper - found.lower < 0.02


def test_few_networks_have_no_share():
    assert variance_share(np.arange(8.0), factor(np.arange(8) % 2)) is None
    assert variance_share(np.ones(30), factor(np.arange(30) % 2)) is None
