from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dse.analysis.efficient.control import (
    Measured,
    Overlap,
    adjusted_difference,
    adjusted_mean,
    overlap_weights,
    overlapping_difference,
)
from dse.analysis.efficient.ridge import PENALTIES, adjusted_outcomes


def measured(rng, n, *, mean=0.0, p=3, noise=0.3, tails=None, **more):
    x = rng.standard_normal((n, p))
    e = rng.standard_normal(n) if tails is None else tails(rng, n)
    y = mean + x @ np.arange(1, p + 1) + noise * e
    return Measured(features=x, outcomes=y, space_means=np.zeros(p), **more)


def test_each_outcome_is_adjusted_by_a_fit_to_the_others_alone():
    rng = np.random.default_rng(0)
    x, y, group = rng.standard_normal((14, 3)), rng.standard_normal(14), np.repeat([0, 1], 7)
    found = adjusted_outcomes(x, y, group, np.array([1.0, -1.0]))
    size = np.sqrt((x**2).mean(axis=0))
    levels = np.eye(2)[group]

    def by_hand(penalty):
        values = []
        for i in range(14):
            rest = np.arange(14) != i
            z = np.hstack([x / size, levels])[rest]
            ridge = np.diag([penalty] * 3 + [0.0] * 2)
            slopes = np.linalg.solve(z.T @ z + ridge, z.T @ y[rest])[:3]
            values.append(y[i] - (x / size)[i] @ slopes)
        return np.array(values)

    assert any(np.allclose(found.values, by_hand(penalty)) for penalty in PENALTIES)


def test_the_mean_is_unbiased_where_no_line_describes_the_outcomes():
    rng = np.random.default_rng(9)
    x = rng.exponential(size=(200, 1))
    y = np.sin(5 * x[:, 0]) + x[:, 0] ** 2
    values = []
    for _ in range(1500):
        rows = rng.integers(0, 200, 12)
        found = adjusted_mean(
            Measured(features=x[rows], outcomes=y[rows], space_means=x.mean(axis=0))
        )
        values.append(found.difference.value)
    assert abs(np.mean(values) - y.mean()) < 3.3 * np.std(values) / np.sqrt(1500)


def test_without_features_it_is_students_and_welchs_t_but_for_heavy_tails():
    rng = np.random.default_rng(1)
    a, b = rng.uniform(size=30), rng.uniform(size=12)  # light tails
    empty = [
        Measured(features=np.empty((len(v), 0)), outcomes=v, space_means=np.empty(0))
        for v in (a, b)
    ]
    found = adjusted_difference(*empty)
    expected = stats.ttest_ind(a, b, equal_var=False)
    interval = expected.confidence_interval()
    assert (found.plain.lower, found.plain.upper) == pytest.approx((interval.low, interval.high))
    assert found.variance_ratio == pytest.approx(1)
    one = adjusted_mean(empty[0])
    interval = stats.ttest_1samp(a, 0).confidence_interval()
    assert (one.difference.lower, one.difference.upper) == pytest.approx(
        (interval.low, interval.high)
    )


def test_features_that_explain_much_make_the_interval_short():
    rng = np.random.default_rng(2)
    found = adjusted_mean(measured(rng, 100, mean=5.0, noise=0.1))
    assert found.difference.lower < 5 < found.difference.upper
    assert found.variance_ratio > 100
    wide = found.plain.upper - found.plain.lower
    assert found.difference.upper - found.difference.lower < wide / 10


def test_means_of_a_paper_sample_add_its_own_error():
    rng = np.random.default_rng(3)
    n, ratio = 50, []
    for paper in (None, 1000, 100):
        rng = np.random.default_rng(3)
        ratio.append(adjusted_mean(measured(rng, n, noise=0.1, space_n=paper)).variance_ratio)
    assert ratio[0] > ratio[1] > ratio[2] > 1
    assert ratio[1] == pytest.approx(1000 / n, rel=0.15)  # almost all that is left is the paper's
    assert ratio[2] == pytest.approx(100 / n, rel=0.15)


@pytest.mark.parametrize("n", [12, 25, 100])
@pytest.mark.parametrize(
    "tails", [None, lambda rng, n: rng.standard_t(4, n), lambda rng, n: rng.exponential(size=n) - 1]
)
def test_true_nulls_are_rejected_about_as_often_as_said(n, tails):
    rng = np.random.default_rng(n)
    p = [
        adjusted_difference(
            *(measured(rng, n, p=8, noise=4.0, tails=tails) for _ in range(2))
        ).p_value
        < 0.05
        for _ in range(500)
    ]
    assert 0.02 <= np.mean(p) <= 0.085  # 500 tries of 5 % are within this in 998 of 1000


def test_overlapping_spaces_need_only_their_parts():
    assert overlap_weights(1 / 3, 0.0) == pytest.approx((1 / 3, 0, -1 / 3))
    assert overlap_weights(0.5, 0.5) == pytest.approx((0.5, -0.5, 0))
    rng = np.random.default_rng(4)
    only_a, both = measured(rng, 40, mean=3.0), measured(rng, 40)
    found = overlapping_difference(
        Overlap(share_a=0.25, share_b=0.0, only_a=only_a, only_b=None, both=both)
    )
    whole = adjusted_difference(only_a, both)
    assert found.difference.value == pytest.approx(whole.difference.value / 4)
    assert found.p_value == pytest.approx(whole.p_value)
    assert found.difference.lower < 0.75 < found.difference.upper
    with pytest.raises(AssertionError):
        overlapping_difference(
            Overlap(share_a=0.25, share_b=0.0, only_a=only_a, only_b=None, both=None)
        )


def test_the_order_of_networks_and_the_unit_of_a_feature_do_not_matter():
    rng = np.random.default_rng(5)
    a = measured(rng, 30)
    order = rng.permutation(30)
    b = Measured(
        features=a.features[order] * [1.0, 1e6, 1e-3],
        outcomes=a.outcomes[order],
        space_means=np.zeros(3),
    )
    one, other = adjusted_mean(a).difference, adjusted_mean(b).difference
    assert (one.value, one.lower) == pytest.approx((other.value, other.lower))


def test_constant_features_and_constant_outcomes():
    rng = np.random.default_rng(6)
    a = measured(rng, 20)
    with_constant = Measured(
        features=np.column_stack([a.features, np.full(20, 0.1)]),
        outcomes=a.outcomes,
        space_means=np.array([0, 0, 0, 0.1]),
    )
    assert adjusted_mean(with_constant) == adjusted_mean(a)
    flat = Measured(features=a.features, outcomes=np.ones(20), space_means=np.zeros(3))
    found = adjusted_mean(flat)
    assert found.difference.value == 1
    assert (found.difference.lower, found.p_value) == (-np.inf, 1.0)


def test_more_features_than_networks_are_allowed():
    rng = np.random.default_rng(7)
    found = adjusted_mean(measured(rng, 12, p=30))
    assert np.isfinite(found.difference.lower)


def test_bad_ends_must_be_capped_before():
    with pytest.raises(AssertionError, match="cap"):
        Measured(features=np.zeros((2, 1)), outcomes=np.array([1, np.inf]), space_means=np.zeros(1))
