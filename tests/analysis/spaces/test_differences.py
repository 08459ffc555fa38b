from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dse.analysis.estimate import Estimate
from dse.analysis.spaces.differences import (
    mean_difference,
    mean_p_value,
    quantile_difference,
    typical_ratio,
)

RNG = np.random.default_rng(0)
A, B = RNG.normal(0.3, 0.05, 40), RNG.normal(0.33, 0.1, 55)


@pytest.mark.parametrize("p", [0.25, 0.5, 0.75])
def test_the_closed_form_is_the_bootstrap_of_a_quantile_difference(p: float) -> None:
    rng = np.random.default_rng(1)
    resampled = [
        np.quantile(rng.choice(side, (100_000, side.size)), p, axis=1, method="inverted_cdf")
        for side in (A, B)
    ]
    found = quantile_difference(A, B, p)
    drawn = resampled[0] - resampled[1]
    for tail, bound in ((0.025, found.lower), (0.975, found.upper)):
        assert (drawn < bound - 1e-12).mean() - 0.003 <= tail <= (drawn <= bound).mean() + 0.003
    sides = [np.quantile(side, p, method="inverted_cdf") for side in (A, B)]
    assert found.value == pytest.approx(sides[0] - sides[1])
    assert found.n == 95


def test_quantiles_among_networks_that_ended_badly_bound_nothing_they_cannot() -> None:
    bad = np.where(np.arange(40) < 24, np.inf, A)
    found = quantile_difference(bad, B)
    assert found.value == found.upper == np.inf
    both = quantile_difference(bad, bad)
    assert np.isnan(both.value)
    assert (both.lower, both.upper) == (-np.inf, np.inf)
    low = quantile_difference(bad, B, 0.1)
    assert np.isfinite([low.value, low.lower]).all()


def test_the_sides_can_be_exchanged() -> None:
    there, back = quantile_difference(A, B), quantile_difference(B, A)
    assert (there.value, there.lower) == pytest.approx((-back.value, -back.upper))


def test_means_are_compared_as_by_welchs_test() -> None:
    found, expected = mean_difference(A, B), stats.ttest_ind(A, B, equal_var=False)
    interval = expected.confidence_interval(0.95)
    assert (found.lower, found.upper) == pytest.approx((interval.low, interval.high))
    assert found.value == pytest.approx(A.mean() - B.mean())
    assert mean_p_value(A, B) == pytest.approx(expected.pvalue)


@pytest.mark.parametrize("sides", [(A[:1], B), (np.ones(5), np.ones(4))])
def test_without_a_variance_no_bound_is_claimed(sides: tuple[np.ndarray, np.ndarray]) -> None:
    found = mean_difference(*sides)
    assert (found.lower, found.upper) == (-np.inf, np.inf)
    assert mean_p_value(*sides) == 1


def test_a_difference_of_logarithms_is_a_ratio_of_geometric_means() -> None:
    logs = mean_difference(np.log(A), np.log(np.abs(B)))
    found = typical_ratio(logs)
    assert found.value == pytest.approx(stats.gmean(A) / stats.gmean(np.abs(B)))
    assert found.lower < found.value < found.upper
    assert typical_ratio(Estimate(value=0, lower=-np.inf, upper=np.inf, n=2)).upper == np.inf
