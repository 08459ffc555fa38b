from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dse.analysis.intervals import mean_interval, t_interval


def test_a_mean_has_the_interval_of_scipy_in_any_order_of_values():
    values = np.random.default_rng(0).lognormal(size=30)
    found = mean_interval(values, 0.9)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert (found.lower, found.upper) == pytest.approx((expected.low, expected.high))
    assert (found.value, found.n, found.confidence) == (pytest.approx(values.mean()), 30, 0.9)
    assert mean_interval(values[::-1], 0.9) == found


@pytest.mark.parametrize("values", [[0.3], [0.1, 0.1, 0.1]])
def test_values_that_do_not_differ_bound_nothing(values):
    found = mean_interval(np.array(values))
    assert found.value == pytest.approx(values[0])
    assert (found.lower, found.upper) == (-np.inf, np.inf)


def test_without_degrees_of_freedom_there_is_no_bound():
    found = t_interval(1.0, 0.5, 0, 1)
    assert (found.value, found.lower, found.upper) == (1.0, -np.inf, np.inf)
