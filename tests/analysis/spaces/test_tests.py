from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dse.analysis.spaces.tests import permutation_tests

OUTCOMES = st.lists(
    st.one_of(st.integers(0, 6).map(float), st.just(float("inf"))), min_size=2, max_size=12
)


@given(OUTCOMES, OUTCOMES)
@settings(max_examples=50, deadline=None)
def test_statistics_are_those_of_scipy_with_any_ties(a: list[float], b: list[float]) -> None:
    finite = [[min(value, 99.0) for value in side] for side in (a, b)]
    ks, ad = permutation_tests(a, b, permutations=1)
    assert ks.statistic == pytest.approx(stats.ks_2samp(*finite).statistic, abs=1e-12)
    if len(set(finite[0] + finite[1])) > 1:
        expected = _scipys_statistic(*finite)
        assert ad.statistic == pytest.approx(expected, abs=1e-9)


def _scipys_statistic(a: list[float], b: list[float]) -> float:
    """scipy gives (A^2 - 1) / sigma; sigma is told by data of the same sizes without ties."""
    n, m = len(a), len(b)
    apart = list(range(n)), list(range(n, n + m))
    pooled = np.arange(1, n + m + 1)
    mine = np.minimum(pooled, n) - 0.5 * (pooled <= n)
    middle, total = pooled - 0.5, n + m
    parts = (total * mine - middle * n) ** 2 / (middle * (total - middle) - total / 4)
    known = parts.sum() / total * (1 / n + 1 / m) * (total - 1) / total
    with np.errstate(all="ignore"):
        here, there = (
            stats.anderson_ksamp(
                [np.array(x), np.array(y)],
                variant="midrank",
                method=stats.PermutationMethod(n_resamples=1, rng=0),
            ).statistic
            for x, y in ((a, b), apart)
        )
    return float(1 + here * (known - 1) / there)


def test_p_values_are_those_of_all_splits() -> None:
    a, b = [1.0, 2.0, 2.0, 4.0], [3.0, 5.0, 5.0, float("inf"), 6.0]
    pooled = np.array(a + b)
    observed = permutation_tests(a, b, permutations=1)
    hits = np.zeros(2)
    splits = list(itertools.combinations(range(9), 4))
    for chosen in splits:
        here = np.isin(np.arange(9), chosen)
        found = permutation_tests(pooled[here], pooled[~here], permutations=1)
        hits += [x.statistic >= y.statistic - 1e-9 for x, y in zip(found, observed, strict=True)]
    drawn = permutation_tests(a, b, permutations=20_000)
    for test, exact in zip(drawn, hits / len(splits), strict=True):
        assert test.p_value == pytest.approx(exact, abs=4 * np.sqrt(exact / 20_000))


def test_a_p_value_is_never_zero_and_the_order_of_the_rows_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, 40), rng.normal(3, 1, 50)
    found = permutation_tests(a, b, permutations=99)
    assert found[0].p_value == found[1].p_value == 0.01
    assert permutation_tests(rng.permutation(a), rng.permutation(b), permutations=99) == found
    assert found[0].n == (40, 50)


def test_spaces_whose_networks_all_end_badly_are_not_told_apart() -> None:
    ks, ad = permutation_tests([np.inf] * 5, [np.inf] * 6, permutations=99)
    assert (ks.statistic, ad.statistic) == (0, 0)
    assert (ks.p_value, ad.p_value) == (1, 1)


def test_many_networks_are_told_apart_in_cells_as_well() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(0, 1, 6000), rng.normal(0.045, 1, 7000)
    for size in (6000, 3000):  # drawn by cells, and shuffled
        ks, _ = permutation_tests(a[:size], b[:size])
        exact = stats.ks_2samp(a[:size], b[:size], method="asymp")
        assert ks.statistic == pytest.approx(exact.statistic, abs=0.002)
        assert ks.p_value == pytest.approx(exact.pvalue, abs=0.03)
