from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from dse.analysis.likelihood import likelihood_interval

samples = st.lists(st.floats(0, 1), min_size=2, max_size=60).filter(lambda x: np.ptp(x) > 1e-3)


@given(values=samples, shift=st.floats(-5, 5), scale=st.floats(0.1, 10))
def test_intervals_hold_the_mean_inside_the_data_and_move_with_it(values, shift, scale):
    values = np.array(values)
    found = likelihood_interval(values)
    assert values.min() <= found.lower <= found.value <= found.upper <= values.max()
    moved = likelihood_interval(shift + scale * values)
    assert moved.lower == pytest.approx(shift + scale * found.lower, abs=1e-6)
    assert moved.upper == pytest.approx(shift + scale * found.upper, abs=1e-6)


def test_likelihood_bounds_are_where_the_ratio_of_the_likeliest_weights_is_the_limit():
    values = np.random.default_rng(0).exponential(size=30)
    found = likelihood_interval(values)
    d = (values - values.mean()) / values.std()
    factor = 1 + ((d**4).mean() / 2 - (d**3).mean() ** 2 / 3) / 30
    limit = stats.f.ppf(0.95, 1, 29) * factor
    for bound in (found.lower, found.upper):
        # Owen's dual: weights 1 / (n (1 + s (x - mu))) with the s that makes mu their mean.
        gaps = values - bound
        ends = sorted(((1 / 30 - 1) / gaps.max(), (1 / 30 - 1) / gaps.min()))
        s = optimize.brentq(lambda s, gaps=gaps: (gaps / (1 + s * gaps)).sum(), *ends, xtol=1e-14)
        assert 2 * np.log1p(s * gaps).sum() == pytest.approx(limit, rel=1e-5)


def test_many_values_have_the_interval_of_the_normal_law():
    values = np.random.default_rng(1).normal(size=20_000)
    found = likelihood_interval(values)
    half = 1.95996 * values.std() / np.sqrt(20_000)
    assert found.lower == pytest.approx(found.value - half, abs=0.01 * half)
    assert found.upper == pytest.approx(found.value + half, abs=0.01 * half)


def test_intervals_follow_the_skewness():
    found = likelihood_interval(np.random.default_rng(2).exponential(size=50))
    assert found.upper - found.value > 1.1 * (found.value - found.lower)
