from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dse.analysis.factors.levels import Networks
from dse.analysis.factors.narrowing import chosen_levels, median_gain, narrowing
from tests.analysis.factors.made import factor, made


def test_bad_levels_are_left_out_and_the_other_half_says_what_it_gains():
    found = narrowing(made(600))
    assert {kept.name: kept.left_out for kept in found.kept} == {"p0": ("a",), "p1": ("c",)}
    assert (found.chosen_on, found.judged) == (300, 300)
    assert found.share_left.lower < 4 / 9 < found.share_left.upper
    assert found.gain is not None
    assert found.gain.lower > 0
    assert found.gain.n == 300


def test_the_judging_half_has_no_part_in_the_choice():
    networks = made(600)
    order = np.random.default_rng([0, 1]).permutation(600)
    outcome = networks.outcome.copy()
    outcome[order[300:]] = np.random.default_rng(5).random(300)
    other = narrowing(replace(networks, outcome=outcome))
    assert other.kept == narrowing(networks).kept
    assert other.gain is not None
    assert other.gain.lower < 0 < other.gain.upper


def test_numbers_are_left_out_from_the_ends_only():
    rng = np.random.default_rng(0)
    codes = rng.integers(5, size=500)
    middle = 0.3 + 0.1 * (codes == 2) + 0.01 * rng.standard_normal(500)
    ends = 0.3 + 0.1 * np.isin(codes, (0, 4)) + 0.01 * rng.standard_normal(500)
    for outcome, kept in ((middle, []), (ends, [(1.0, 3.0)])):
        factors = (factor(codes, ordered=True),)
        found = narrowing(Networks(outcome=outcome, factors=factors))
        assert [(each.low, each.high) for each in found.kept] == kept


def test_an_end_that_is_not_narrowed_stays_open():
    rng = np.random.default_rng(0)
    codes = rng.integers(4, size=300)
    outcome = 0.3 + 0.1 * (codes == 0) + 0.01 * rng.standard_normal(300)
    (kept,) = narrowing(Networks(outcome=outcome, factors=(factor(codes, ordered=True),))).kept
    assert (kept.low, kept.high, kept.left_out) == (1.0, None, ("0",))


def test_a_tenth_of_the_networks_always_stays():
    rng = np.random.default_rng(0)
    codes = rng.integers(3, size=(900, 6))
    outcome = (codes > 0).sum(axis=1) + 0.1 * rng.standard_normal(900)
    factors = tuple(factor(codes[:, k], name=f"p{k}") for k in range(6))
    chosen = chosen_levels(Networks(outcome=outcome, factors=factors))
    inside = np.ones(900, dtype=bool)
    for out, column in zip(chosen, codes.T, strict=True):
        inside &= ~np.isin(column, list(out))
    assert any(chosen)
    assert inside.mean() >= 0.1


def test_where_nothing_matters_one_study_in_twenty_proposes_anything():
    rng = np.random.default_rng(0)
    networks = made(100)
    proposed = sum(
        any(chosen_levels(replace(networks, outcome=rng.random(100)))) for _ in range(400)
    )
    assert proposed <= 32


def test_the_gain_is_the_difference_of_medians_in_any_order_of_networks():
    rng = np.random.default_rng(0)
    y, inside = rng.random(700), rng.random(700) < 0.5
    found = median_gain(y, inside)
    assert found is not None
    assert found.value == pytest.approx(np.median(y) - np.median(y[inside]))
    assert found.lower < found.value < found.upper
    order = rng.permutation(700)
    assert median_gain(y[order], inside[order]) == found


def test_few_networks_inside_have_no_gain():
    assert median_gain(np.arange(50.0), np.arange(50) < 7) is None
