from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dse.analysis.factors.effects import effect, effects, spearman, varied_columns
from tests.population import make_population


def rows(values: list[object], errors: list[float]) -> pd.DataFrame:
    frame = pd.DataFrame({"index": range(len(errors)), "replicate": 0, "error": errors})
    frame["state"] = np.where(np.isfinite(frame["error"]), "complete", "diverged")
    frame["arch.x"] = values
    return frame


def test_parameters_that_vary_are_found_by_their_prefix():
    population = make_population()
    population["arch.constant"] = 3
    columns = varied_columns(population)
    assert "arch.depths.1" in columns
    assert "arch.ls_init_value" in columns
    assert "arch.constant" not in columns
    assert "flops" not in columns
    assert [found.column for found in effects(population)] == list(columns)


def test_categories_get_means_with_t_intervals_and_the_bad_counted():
    found = effect(rows(["b", "a", "a", "a"], [0.9, 0.1, 0.3, np.nan]), "arch.x")
    assert found.rho is None
    a, b = found.levels
    assert (a.value, a.n, a.bad) == ("a", 3, 1)
    assert a.mean is not None
    assert a.mean.value == pytest.approx(0.2)
    assert a.mean.upper == pytest.approx(0.2 + 12.7062 * 0.1, abs=1e-4)
    assert b.mean is not None
    assert (b.mean.lower, b.mean.upper) == (-np.inf, np.inf)


def test_a_missing_choice_is_a_level_of_its_own_but_a_missing_stage_is_left_out():
    choice = effect(rows([None, 1e-6, None, 1e-6], [0.1, 0.2, 0.3, 0.4]), "arch.x")
    assert [(level.value, level.n) for level in choice.levels] == [("1e-06", 2), ("none", 2)]
    widths = [*range(10), None]
    stage = effect(rows(widths, list(np.linspace(0.1, 0.9, 11))), "arch.x")
    assert (stage.n, stage.levels) == (10, ())
    assert stage.rho is not None
    assert stage.rho.value == pytest.approx(1)


def test_a_level_in_which_every_network_ended_badly_has_no_mean():
    found = effect(rows(["a", "a", "b"], [np.nan, np.nan, 0.3]), "arch.x")
    assert found.levels[0].mean is None
    assert found.levels[0].bad == 2


def test_rho_is_scipys_and_bad_ends_are_the_worst_rank():
    rng = np.random.default_rng(0)
    x, y = rng.random(30), rng.random(30)
    found = spearman(x, y)
    assert found is not None
    assert found.value == pytest.approx(stats.spearmanr(x, y).statistic)
    y[:5] = np.inf
    with_bad, with_worst = spearman(x, y), spearman(x, np.where(np.isinf(y), 9.0, y))
    assert with_bad == with_worst


@given(n=st.integers(4, 30), falling=st.booleans())
def test_a_perfect_order_of_few_networks_keeps_a_wide_interval(n, falling):
    x = np.arange(n, dtype=float)
    found = spearman(x, -x if falling else x)
    assert found is not None
    assert found.value == pytest.approx(-1 if falling else 1)
    assert -1 <= found.lower < found.upper <= 1
    assert found.upper - found.lower > (1 if n == 4 else 0)


def test_rho_interval_covers_as_often_as_it_says():
    rng, n, covered = np.random.default_rng(1), 30, 0
    truth = 6 / np.pi * np.arcsin(0.5 / 2)  # of a normal pair with correlation 0.5
    for _ in range(1000):
        x = rng.standard_normal(n)
        found = spearman(x, 0.5 * x + np.sqrt(0.75) * rng.standard_normal(n))
        assert found is not None
        covered += found.lower <= truth <= found.upper
    assert 930 <= covered <= 975


def test_a_constant_has_no_rho():
    assert spearman(np.ones(9), np.arange(9.0)) is None
    assert spearman(np.arange(3.0), np.arange(3.0)) is None
