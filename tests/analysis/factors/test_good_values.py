from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.analysis.factors.good_values import best_weights, good_values_of, weighted_quantiles
from tests.analysis.factors.made import factor


def test_the_closed_form_is_a_monte_carlo_of_1e5_draws_within_its_error():
    rng = np.random.default_rng(0)
    outcome = rng.random(40)
    weights = best_weights(outcome, 10)
    draws = rng.integers(40, size=(100_000, 10))
    kept = draws[np.arange(100_000), outcome[draws].argmin(axis=1)]
    share = np.bincount(kept, minlength=40) / 100_000
    error = np.sqrt(weights * (1 - weights) / 100_000)
    assert (np.abs(share - weights) <= 4.5 * error + 1e-12).all()
    values = rng.random(40)
    drawn = np.quantile(values[kept], [0.025, 0.5, 0.975], method="inverted_cdf")
    assert weighted_quantiles(values, weights, (0.025, 0.5, 0.975)) == pytest.approx(drawn)


@given(
    outcome=st.lists(st.sampled_from([0.1, 0.2, 0.3, np.inf]), min_size=1, max_size=30),
    draws=st.integers(1, 40),
)
def test_weights_add_up_and_equal_outcomes_have_equal_ones(outcome, draws):
    y = np.array(outcome)
    weights = best_weights(y, draws)
    assert weights.sum() == pytest.approx(1)
    for value in set(outcome):
        assert np.ptp(weights[y == value]) == 0


def test_the_effective_number_is_about_a_dozen_of_five_hundred():
    rng = np.random.default_rng(0)
    found = good_values_of(factor(rng.integers(8, size=500), ordered=True), rng.random(500))
    assert found.draws == 125
    assert 5 < found.effective_n < 12
    assert found.percentiles is not None
    assert sum(share for _, share in found.shares) == pytest.approx(1)


def test_a_category_has_shares_and_no_percentiles():
    codes = np.arange(100) % 2
    found = good_values_of(factor(codes), 0.1 + 0.1 * codes + np.arange(100) * 1e-4)
    assert found.percentiles is None
    assert dict(found.shares)["a"] > 0.999
