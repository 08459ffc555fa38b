from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dse.analysis.paired.differences import (
    cost_dependence,
    mean_difference,
    mean_interval,
    median_difference,
    pairing_gain,
    ratio,
    without_skewness,
)
from dse.analysis.paired.pairs import Pairs


def make(first, second, costs=None) -> Pairs:
    both = np.column_stack([first, second]).astype(float)
    costs = np.full(len(both), np.nan) if costs is None else np.asarray(costs, float)
    return Pairs(arms=("a", "b"), outcomes=both, capped=both, costs=costs)


@given(st.floats(-3, 3), st.floats(-1, 1), st.integers(3, 500))
def test_the_correction_is_the_inverse_of_halls_cubic(x, skewness, n):
    y = float(without_skewness(x, skewness, n))
    cubic = y + skewness * y**2 / 3 + skewness**2 * y**3 / 27 + skewness / (6 * n)
    assert cubic == pytest.approx(x, abs=1e-6)


def test_without_skewness_the_interval_is_students():
    values = np.array([-2.0, -1, 0, 1, 2]) + 5
    found = mean_interval(values)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found.lower, found.upper) == pytest.approx((expected.low, expected.high))


def test_a_skewed_mean_has_more_room_on_the_side_of_the_tail():
    values = np.random.default_rng(0).exponential(size=40)
    found = mean_interval(values)
    assert found.upper - found.value > 1.2 * (found.value - found.lower)


def test_the_interval_turns_with_the_values():
    values = np.random.default_rng(0).exponential(size=40)
    one, other = mean_interval(values), mean_interval(-values)
    assert (other.lower, other.upper) == pytest.approx((-one.upper, -one.lower))


@pytest.mark.parametrize("values", [[0.1], [0.1, 0.2], [0.1, 0.1, 0.1, 0.1]])
def test_too_few_or_equal_values_bound_nothing(values):
    found = mean_interval(np.array(values))
    assert (found.lower, found.upper) == (-np.inf, np.inf)


def test_intervals_cover_more_often_than_students_where_differences_are_skewed():
    rng = np.random.default_rng(0)
    held = np.zeros(2)
    for _ in range(400):
        values = rng.lognormal(sigma=1.2, size=50)
        found, student = mean_interval(values), stats.ttest_1samp(values, 0).confidence_interval()
        truth = np.exp(1.2**2 / 2)
        held += [found.lower <= truth <= found.upper, student.low <= truth <= student.high]
    assert held[0] > held[1] + 10


def test_the_median_takes_bad_ends_and_needs_six_pairs():
    found = median_difference(np.array([*range(18), np.inf, -np.inf], dtype=float))
    assert found.value == 8
    assert 4 < found.lower < 5  # x_(6) and x_(7), x_(14) and x_(15) of 20
    assert 12 < found.upper < 13
    assert median_difference(np.arange(5.0)).lower == -np.inf
    six = median_difference(np.array([1.0, 2, 3, 4, 5, np.inf]))
    assert 1 < six.lower < 2
    assert six.upper == np.inf


def test_difference_is_first_less_second_and_ratio_is_their_geometric_mean():
    pairs = make([0.2, 0.1, 0.4], [0.1, 0.1, 0.1])
    assert mean_difference(pairs).value == pytest.approx(0.4 / 3)
    found = ratio(pairs)
    assert found is not None
    assert found.value == pytest.approx(2.0)
    assert found.n == 3
    assert ratio(make([0.2, 0.0], [0.1, 0.1])) is None


def test_gain_of_pairing_is_the_ratio_of_variances_of_normal_outcomes():
    rng = np.random.default_rng(0)
    network = rng.normal(0.3, 0.1, 2000)
    first, second = network + rng.normal(0, 0.05, (2, 2000))
    found = pairing_gain(make(first, second))
    assert found is not None
    assert found.value == pytest.approx((0.1**2 + 0.05**2) / 0.05**2, rel=0.1)
    assert found.lower < found.value < found.upper < 1.2 * found.lower
    assert pairing_gain(make([0.1, 0.2, 0.3], [0.2, 0.3, 0.5])) is None


def test_unrelated_arms_gain_nothing_and_equal_orders_are_bounded_below_alone():
    rng = np.random.default_rng(0)
    unrelated = pairing_gain(make(rng.random(200), rng.random(200)))
    assert unrelated is not None
    assert unrelated.lower < 1 < unrelated.upper
    equal = pairing_gain(make(np.arange(20) / 20, np.arange(20) / 10))
    assert equal is not None
    assert 10 < equal.lower < equal.value == equal.upper == np.inf


def test_a_difference_that_grows_with_cost_is_seen_and_pairs_of_unknown_cost_left_out():
    costs = [*range(1, 11), np.nan]
    pairs = make(np.linspace(0.3, 0.5, 11), np.full(11, 0.3), costs)
    found = cost_dependence(pairs)
    assert found is not None
    assert found.n == 10
    assert found.lower > 0.5
    assert cost_dependence(make([0.1, 0.2], [0.1, 0.3])) is None
