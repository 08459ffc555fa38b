from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dse.analysis.distributions import column_quantiles, mean, quantile, quartiles


@given(
    n=st.integers(1, 200),
    p=st.sampled_from([0.05, 0.25, 0.5, 0.75, 0.9]),
    confidence=st.sampled_from([0.8, 0.95, 0.99]),
)
def test_quantile_interval_covers_exactly_enough_and_no_rank_less_would_do(n, p, confidence):
    found = quantile(np.arange(1, n + 1), p, confidence)  # outcomes are their own ranks
    low = int(found.lower)
    high = n + 1 if np.isinf(found.upper) else int(found.upper)
    tail, count = (1 - confidence) / 2, stats.binom(n, p)
    if low >= 1:
        assert count.cdf(low - 1) <= tail + 1e-12
    if high <= n:
        assert count.sf(high - 1) <= tail + 1e-12
    assert count.cdf(low) > tail - 1e-12  # one rank tighter misses too often
    assert high == 1 or count.sf(high - 2) > tail - 1e-12
    assert low <= found.value <= high


def test_quantile_interval_is_scipys():
    outcomes = np.random.default_rng(2).random(60)
    for p in (0.25, 0.5, 0.75):
        theirs = stats.quantile_test(outcomes, q=0.5, p=p).confidence_interval(0.95)
        ours = quantile(outcomes, p)
        assert (ours.lower, ours.upper) == (theirs.low, theirs.high)


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


@pytest.mark.parametrize("p", [0.1, 0.5, 0.75])
@pytest.mark.parametrize("n", [20, 41])
def test_bca_interval_of_a_quantile_is_that_of_many_resamples(n, p):
    outcomes = np.sort(np.random.default_rng(n).random(n))
    ours = quantile(outcomes, p, method="bca")

    def inverse(values, axis):
        return np.quantile(values, p, axis=axis, method="inverted_cdf")

    theirs = stats.bootstrap(
        (outcomes,), inverse, method="BCa", n_resamples=20_000, rng=0, vectorized=True
    ).confidence_interval
    # Theirs interpolates between draws, and its bias is a count: one rank is within that.
    for bound, other in ((ours.lower, theirs.low), (ours.upper, theirs.high)):
        assert abs(np.searchsorted(outcomes, bound) - np.searchsorted(outcomes, other)) <= 1


def test_bca_of_a_quantile_among_bad_ends_is_infinite():
    found = quantile([0.1, 0.2, 0.3, np.inf, np.inf], 0.5, method="bca")
    assert (found.value, found.upper) == (0.3, np.inf)


def test_bca_interval_of_a_mean_is_that_of_many_resamples():
    values = np.random.default_rng(4).lognormal(size=80)
    ours = mean(values, method="bca")
    theirs = stats.bootstrap((values,), np.mean, method="BCa", n_resamples=50_000, rng=0)
    width = ours.upper - ours.lower
    assert ours.lower == pytest.approx(theirs.confidence_interval.low, abs=0.04 * width)
    assert ours.upper == pytest.approx(theirs.confidence_interval.high, abs=0.04 * width)


@pytest.mark.parametrize("method", ["likelihood", "bca"])
def test_no_order_of_rows_changes_a_mean(method):
    values = np.random.default_rng(5).random(200)
    assert mean(values, method=method) == mean(values[::-1], method=method)


@pytest.mark.parametrize("method", ["likelihood", "bca"])
def test_equal_errors_do_not_bound_their_mean(method):
    found = mean([0.25, 0.25], method=method)
    assert (found.value, found.lower, found.upper) == (0.25, -np.inf, np.inf)


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
