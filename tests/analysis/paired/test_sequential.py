from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dse.analysis.paired.differences import mean_interval
from dse.analysis.paired.sequential import boundary, confidence_sequence, decide


def test_at_the_boundary_the_mixture_of_likelihoods_of_t_is_one_over_alpha():
    n, g = 30, (-2 * np.log(0.05) + np.log(1 - 2 * np.log(0.05))) / 100
    t = float(boundary(np.array([30.0]))[0])
    effects = np.linspace(-8, 8, 4001) * np.sqrt(g)
    ratios = stats.nct.pdf(t, n - 1, effects * np.sqrt(n)) / stats.t.pdf(t, n - 1)
    mixed = np.trapezoid(ratios * stats.norm.pdf(effects, scale=np.sqrt(g)), effects)
    # n pairs tell |t| alone: the mixture over both signs of the effect is that of t's density
    assert mixed == pytest.approx(20, rel=0.01)


def test_the_boundary_is_above_students_at_every_n_and_infinite_for_hardly_any():
    n = np.arange(2, 1001, dtype=float)
    assert (boundary(n) > stats.t.ppf(0.975, n - 1)).all()
    assert np.isinf(boundary(np.array([2.0]))).all()


def test_each_look_is_as_if_only_the_pairs_so_far_were_there():
    values = np.random.default_rng(0).exponential(size=60)
    whole, part = confidence_sequence(values), confidence_sequence(values[:40])
    assert whole.n[0] == 20
    assert whole.lower[:21] == pytest.approx(part.lower)
    assert whole.upper[:21] == pytest.approx(part.upper)
    assert whole.at(-1).value == pytest.approx(values.mean())
    fixed = mean_interval(values)
    assert whole.lower[-1] < fixed.lower
    assert whole.upper[-1] > fixed.upper


def test_intervals_move_with_the_values():
    values = np.random.default_rng(0).exponential(size=60)
    one, other = confidence_sequence(values), confidence_sequence(1000 - values)
    assert other.lower == pytest.approx(1000 - one.upper)


def test_all_looks_hold_at_once_at_least_as_often_as_said():
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(1000):
        found = confidence_sequence(rng.normal(0.3, 2, 200))
        held += bool(((found.lower <= 0.3) & (found.upper >= 0.3)).all())
    assert held >= 950


def test_stopping_when_one_likes_rejects_a_true_null_in_at_most_five_per_cent():
    rng = np.random.default_rng(1)
    wrong = sum(decide(rng.standard_t(4, 200)).decision != "go on" for _ in range(1000))
    assert wrong <= 50


def test_a_clear_difference_is_decided_early_and_by_its_sign():
    values = np.random.default_rng(0).normal(1, 1, 200)
    found = decide(values)
    assert found.decision == "second is better"
    assert found.difference.n < 60
    assert decide(-values).decision == "first is better"
    assert decide(values[: found.difference.n]) == found


def test_arms_that_are_alike_within_the_margin_are_told_so():
    values = np.random.default_rng(0).normal(0, 0.01, 200)
    found = decide(values, margin=0.02)
    assert found.decision == "no difference"
    assert abs(found.difference.value) < 0.02
    assert decide(values).decision == "go on"


def test_too_few_or_equal_pairs_decide_nothing():
    assert decide(np.ones(19)).decision == "go on"
    assert decide(np.array([])).decision == "go on"
    assert decide(np.full(50, 0.1)).decision == "go on"
