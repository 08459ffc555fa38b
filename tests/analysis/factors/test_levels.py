from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.analysis.factors.levels import Networks, factor_of, networks
from tests.population import make_population


def test_few_numbers_are_levels_in_rising_order():
    found = factor_of(pd.Series([5.0, 3.0, 5.0, 9.0]), "k")
    assert found.levels == ("3", "5", "9")
    assert found.codes.tolist() == [1, 0, 1, 2]
    assert found.is_ordered


@given(st.integers(9, 200))
def test_many_numbers_are_four_groups_that_hold_them_in_order(n):
    values = np.random.default_rng(n).random(n)
    found = factor_of(pd.Series(values), "x")
    assert len(found.levels) == 4
    assert found.counts.max() - found.counts.min() <= 2
    for code, (low, high) in enumerate(found.edges):
        own = values[found.codes == code]
        assert (own.min(), own.max()) == (low, high)
    assert all(a[1] < b[0] for a, b in zip(found.edges, found.edges[1:], strict=False))


def test_networks_without_a_number_are_a_level_of_their_own():
    found = factor_of(pd.Series([*np.arange(12.0), np.nan, np.nan]), "depths.4")
    assert found.levels[-1] == "none"
    assert found.codes[-2:].tolist() == [4, 4]
    assert len(found.edges) == 4


def test_a_bad_end_counts_as_guessing_also_among_worse_errors():
    found = Networks(outcome=np.array([0.95, np.inf]), factors=(), classes=10)
    assert found.capped.tolist() == [0.95, 0.9]


def test_a_population_becomes_networks_in_the_order_of_their_index():
    population = make_population()
    found = networks(population)
    assert len(found) == 24
    assert found.bad.sum() == 2
    shuffled = networks(population.sample(frac=1, random_state=1))
    assert (shuffled.outcome == found.outcome).all()
    for a, b in zip(found.factors, shuffled.factors, strict=True):
        assert (a.name, a.levels, a.codes.tolist()) == (b.name, b.levels, b.codes.tolist())
    assert found.least == pytest.approx(0.5 / 2000)


def test_parameters_that_divide_networks_alike_count_once():
    population = make_population()
    population["arch.copy"] = (
        population["arch.stem"].map({"patch": "x", "overlap": "y"}).fillna("z")
    )
    names = [factor.name for factor in networks(population).factors]
    assert "stem" in names
    assert "copy" not in names


def test_given_choices_take_the_place_of_columns():
    population = make_population()
    choices = pd.DataFrame({"growth": np.arange(24.0)}, index=range(24))
    (factor,) = networks(population, choices).factors
    assert factor.name == "growth"
    assert factor.numbers is not None
    assert factor.numbers.tolist() == list(range(24))
