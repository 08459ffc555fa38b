from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dse.analysis.distributions import edf, quantile, quartiles, share_beyond_best

errors = st.lists(st.floats(0, 1), min_size=0, max_size=40)


@given(errors=errors, bad=st.integers(0, 10), confidence=st.floats(0.5, 0.99))
def test_edf_rises_within_its_band_to_the_share_of_networks_with_an_error(errors, bad, confidence):
    n = len(errors) + bad
    if n == 0:
        return
    curve = edf(errors, n, confidence)
    assert (np.diff(curve.errors) > 0).all()
    assert (np.diff(curve.fraction) > 0).all()
    assert (curve.lower <= curve.fraction).all()
    assert (curve.fraction <= curve.upper).all()
    assert curve.at(2.0) == pytest.approx(len(errors) / n)
    assert curve.at(-1.0) == 0


@given(errors=errors.filter(len), at=st.floats(-0.1, 1.1))
def test_edf_counts_the_networks_strictly_below_an_error(errors, at):
    curve = edf(errors, len(errors) + 3)
    for error in (at, errors[0]):
        below = sum(e < error for e in errors)
        assert curve.at(error) == pytest.approx(below / (len(errors) + 3))


def test_band_has_massarts_width():
    curve = edf([0.5] * 50, 100)
    assert curve.half_width == pytest.approx(0.13581015)
    assert curve.lower[0] == pytest.approx(0.5 - 0.13581015)
    assert curve.upper[0] == pytest.approx(0.5 + 0.13581015)


def test_an_edf_of_no_error_at_all_is_flat():
    curve = edf([], 7)
    assert curve.errors.size == 0
    assert curve.at(0.5) == 0


def test_band_holds_the_whole_true_curve_at_least_as_often_as_it_says():
    rng, n, held = np.random.default_rng(1), 40, 0
    for _ in range(1000):
        drawn = rng.random(n)
        bad = rng.random(n) < 0.2
        curve = edf(drawn[~bad], n)
        # Truth: F(e) = 0.8 e. At each step the EDF is tested just below and just above.
        truth = 0.8 * curve.errors
        below = np.concatenate([[0.0], curve.fraction[:-1]])
        gap = max(np.abs(curve.fraction - truth).max(), np.abs(below - truth).max())
        held += gap <= curve.half_width
    assert held >= 950


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


def test_share_beyond_best_is_missed_by_all_networks_with_probability_alpha():
    share = share_beyond_best(24, 0.95)
    assert (1 - share) ** 24 == pytest.approx(0.05)
    assert share == pytest.approx(0.1173, abs=1e-4)
