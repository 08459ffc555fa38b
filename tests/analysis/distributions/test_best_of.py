from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.analysis.distributions import best_of, mean, median_best_of, quantile, share_beyond_best

errors = st.lists(st.floats(0, 1), min_size=1, max_size=6)


@given(errors=errors, k=st.integers(1, 6))
def test_best_of_k_is_the_mean_over_every_subset(errors, k):
    if k > len(errors):
        return
    (found,) = best_of(errors, [k])
    subsets = [min(subset) for subset in combinations(errors, k)]
    assert found.error.value == pytest.approx(np.mean(subsets), abs=1e-12)


@given(
    pairs=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 4)), min_size=3, max_size=5).filter(
        lambda pairs: any(weight for _, weight in pairs)
    ),
    k=st.integers(1, 3),
)
def test_weighted_best_of_k_is_the_mean_over_every_sequence_of_draws(pairs, k):
    errors, weights = map(np.array, zip(*pairs, strict=True))
    (found,) = best_of(errors, [k], weights=weights)
    expected = sum(
        np.prod(weights[list(draws)] / weights.sum()) * errors[list(draws)].min()
        for draws in product(range(len(errors)), repeat=k)
    )
    assert found.error.value == pytest.approx(expected, abs=1e-12)


def test_best_of_one_is_the_mean_with_its_interval():
    errors = np.random.default_rng(0).exponential(size=40)
    (one,) = best_of(errors, [1])
    assert one.error.value == pytest.approx(mean(errors).value)
    assert one.error.lower == pytest.approx(mean(errors).lower)
    assert one.error.upper == pytest.approx(mean(errors).upper)


def test_best_of_all_is_the_best_and_has_no_interval():
    found = best_of([0.4, 0.1, 0.3], [3])[0].error
    assert (found.value, found.lower, found.upper) == (pytest.approx(0.1), -np.inf, np.inf)


def test_more_draws_find_better_networks_and_no_order_of_rows_matters():
    errors = np.random.default_rng(1).random(200)
    found = best_of(errors, range(1, 11))
    assert (np.diff([best.error.value for best in found]) < 0).all()
    assert all(best.error.lower < best.error.value < best.error.upper for best in found)
    assert found == best_of(errors[::-1], range(1, 41))


def test_influence_is_what_a_little_more_weight_on_a_network_does():
    errors = np.array([0.5, 0.1, 0.3, 0.2])
    weights = np.array([1.0, 2.0, 1.0, 3.0])
    k, step, total = 3, 1e-6, 7.0
    value = best_of(errors, [k], weights=weights)[0].error.value
    moved = []
    for i in range(4):
        more = weights.copy()
        more[i] += step * total
        moved.append((best_of(errors, [k], weights=more)[0].error.value - value) / step)
    # By hand: the integral of k S^(k-1) (1[e > t] - S), S the share above t.
    ordered, left = np.array([0.1, 0.2, 0.3, 0.5]), np.array([5, 2, 1]) / 7
    slopes = k * left ** (k - 1) * np.diff(ordered)
    by_hand = [slopes[:j].sum() - slopes @ left for j in range(4)]
    assert np.array(moved)[np.argsort(errors)] == pytest.approx(by_hand, abs=1e-5)


@pytest.mark.parametrize("k", [1, 3, 20])
def test_half_of_all_searches_reach_the_median_best(k):
    outcomes = np.append(np.random.default_rng(3).random(990), np.full(10, np.inf))
    found = median_best_of(outcomes, k)
    searches = np.random.default_rng(4).choice(outcomes, (20_000, k)).min(axis=1)
    assert (searches <= found.value).mean() == pytest.approx(0.5, abs=0.02)
    if k == 1:
        assert found == quantile(outcomes, 0.5)


def test_share_beyond_best_is_missed_by_all_networks_with_probability_alpha():
    share = share_beyond_best(24, 0.95)
    assert (1 - share) ** 24 == pytest.approx(0.05)
    assert share == pytest.approx(0.1173, abs=1e-4)
