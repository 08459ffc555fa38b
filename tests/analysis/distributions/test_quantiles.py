from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dse.analysis.distributions import column_quantiles, mean, quantile, quartiles
from dse.analysis.distributions.quantiles import quantile_bounds


@given(
    n=st.integers(1, 200),
    p=st.sampled_from([0.05, 0.25, 0.5, 0.75, 0.9]),
    confidence=st.sampled_from([0.8, 0.95, 0.99]),
)
def test_each_bound_is_between_the_ranks_that_miss_more_and_less_often_than_said(n, p, confidence):
    found = quantile(np.arange(1, n + 1), p, confidence)  # outcomes are their own ranks
    tail, count = (1 - confidence) / 2, stats.binom(n, p)
    no_lower, no_upper = count.cdf(0) > tail, count.sf(n - 1) > tail
    assert no_lower == (found.lower == 0)
    assert no_upper == np.isinf(found.upper)
    tail *= 2 if no_lower != no_upper else 1  # a side alone has all that may be missed
    if not no_lower:
        assert count.cdf(np.floor(found.lower) - 1) <= tail + 1e-9
        assert count.cdf(np.ceil(found.lower + 1e-9) - 1) > tail - 1e-9 or found.lower == n
    if not no_upper:
        assert count.sf(np.ceil(found.upper) - 1) <= tail + 1e-9
        assert count.sf(np.floor(found.upper - 1e-9) - 1) > tail - 1e-9 or found.upper == 1
    assert found.lower <= found.value <= found.upper


@pytest.mark.parametrize(("n", "p"), [(12, 0.5), (50, 0.1), (60, 0.25), (100, 0.75)])
def test_interpolated_bounds_are_inside_scipys_exact_ones_and_less_than_a_rank_away(n, p):
    theirs = stats.quantile_test(np.arange(n), q=0, p=p).confidence_interval(0.95)
    ours = quantile_bounds(np.arange(n, dtype=float), p)
    assert theirs.low <= ours[0] < theirs.low + 1
    assert theirs.high - 1 < ours[1] <= theirs.high


def test_a_medians_bounds_are_interpolated_as_hettmansperger_and_sheather_do():
    gamma = [1 - 2 * stats.binom.cdf(rank - 1, 10, 0.5) for rank in (2, 3)]
    inner = (gamma[0] - 0.95) / (gamma[0] - gamma[1])
    share = (10 - 2) * inner / (2 + (10 - 2 * 2) * inner)
    lower, upper = quantile_bounds(np.arange(1.0, 11), 0.5)
    assert (lower, upper) == pytest.approx((2 + share, 9 - share))


@pytest.mark.parametrize(("n", "p"), [(10, 0.25), (30, 0.1), (50, 0.067), (50, 0.1), (100, 0.75)])
@pytest.mark.parametrize("law", [stats.norm(), stats.lognorm(1.5), stats.uniform()])
def test_quantile_intervals_cover_as_often_as_they_say_whatever_the_law(n, p, law):
    drawn = np.sort(law.rvs((3000, n), random_state=n), axis=1)
    bounds = np.array([quantile_bounds(row, p) for row in drawn])
    covered = ((bounds[:, 0] <= law.ppf(p)) & (law.ppf(p) <= bounds[:, 1])).mean()
    assert 0.93 < covered < 0.97


def test_quantile_is_the_inverse_of_the_edf():
    outcomes = [0.1, 0.2, 0.3, 0.4]
    assert [q.value for q in quartiles(outcomes)] == [0.1, 0.2, 0.3]
    assert quantile(outcomes, 0.51).value == 0.3


def test_quantile_among_bad_ends_is_infinite_and_never_an_average():
    outcomes = [0.1, 0.2, np.inf, np.inf]
    low, median, high = quartiles(outcomes)
    assert (low.value, median.value, high.value) == (0.1, 0.2, np.inf)
    assert median.upper == np.inf


def test_few_networks_bound_nothing():
    found = quantile([0.4], 0.5)
    assert (found.lower, found.value, found.upper) == (0.0, 0.4, np.inf)


def test_a_bound_next_to_a_bad_end_is_the_outer_one():
    outcomes = np.array([*range(12), *[np.inf] * 8], dtype=float)
    lower, upper = quantile_bounds(outcomes, 0.75)  # x_(11) to x_(12), and among the bad
    assert 10 < lower < 11
    assert upper == np.inf
    assert quantile_bounds(np.array([0.1] * 11 + [np.inf] * 9), 0.75)[0] == 0.1
    assert quantile_bounds(-outcomes[::-1], 0.25) == (-np.inf, -lower)


def test_no_order_of_rows_changes_a_mean():
    values = np.random.default_rng(5).random(200)
    assert mean(values) == mean(values[::-1])


@pytest.mark.parametrize("errors", [[0.25] * 30, [0.1, 0.2, 0.6]])
def test_equal_or_few_errors_do_not_bound_their_mean(errors):
    found = mean(errors)
    assert found.value == pytest.approx(np.mean(errors))
    assert (found.lower, found.upper) == (-np.inf, np.inf)


def test_quantiles_by_column_are_those_of_each_column_without_what_is_not_there():
    rng = np.random.default_rng(0)
    table = rng.random((41, 6))
    table[rng.random(table.shape) < 0.2] = np.nan
    table[rng.random(table.shape) < 0.1] = np.inf
    table[:, 5] = np.nan
    found = column_quantiles(table, (0.1, 0.5, 0.9))
    for column in range(5):
        there = table[~np.isnan(table[:, column]), column]
        assert found[:, column].tolist() == [quantile(there, p).value for p in (0.1, 0.5, 0.9)]
    assert np.isnan(found[:, 5]).all()
