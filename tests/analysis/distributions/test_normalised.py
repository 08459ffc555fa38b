from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.analysis.distributions import complexity_weights, weighted_edf
from dse.errors import UserError

complexities = st.lists(st.floats(0, 100), min_size=1, max_size=30)


@given(first=complexities, second=complexities, bins=st.integers(1, 8))
def test_every_population_has_the_same_weight_in_every_bin_and_empty_bins_have_none(
    first, second, bins
):
    try:
        found = complexity_weights([first, second], bins=bins)
    except UserError:
        return
    shares = []
    for values, weights in zip((first, second), found.weights, strict=True):
        assert weights.sum() == pytest.approx(1)
        shares.append(np.histogram(values, found.edges, weights=weights)[0])
        assert weighted_edf(np.linspace(0, 1, len(values)), weights).n == (weights > 0).sum()
    np.testing.assert_allclose(shares[0], shares[1], atol=1e-12)
    np.testing.assert_allclose(shares[0], found.used / found.used.sum(), atol=1e-12)


def test_a_bin_that_one_population_lacks_is_left_out_of_all_and_said():
    found = complexity_weights([[0, 1, 5, 5, 10], [0, 10, 9, 2]], bins=5, limits=(0, 10))
    assert found.counts.tolist() == [[2, 0, 2, 0, 1], [1, 1, 0, 0, 2]]
    assert found.used.tolist() == [True, False, False, False, True]
    assert found.weights[0].tolist() == [0.25, 0.25, 0, 0, 0.5]
    assert found.weights[1].tolist() == [0.5, 0.25, 0.25, 0]
    assert found.words(0, "flops") == (
        "flops made uniform from 0 to 10 in 2 of 5 bins; n = 3, worth 3 of equal weight; "
        "2 left out, outside or in bins that a population lacks"
    )


def test_complexity_is_taken_out_of_a_comparison():
    # The error is a function of complexity alone; the second population just has more of it.
    rng = np.random.default_rng(0)
    first, second = rng.random(5000), np.sqrt(rng.random(5000))
    weights = complexity_weights([first, second], bins=20).weights
    plain = [weighted_edf(1 - values, 1.0).at(0.5) for values in (first, second)]
    even = [weighted_edf(1 - v, w).at(0.5) for v, w in zip((first, second), weights, strict=True)]
    assert abs(plain[0] - plain[1]) > 0.2
    assert even[0] == pytest.approx(even[1], abs=0.01)
    assert even[0] == pytest.approx(0.5, abs=0.01)


def test_one_complexity_for_all_is_one_bin():
    found = complexity_weights([[4, 4], [4]], bins=10)
    assert [weights.tolist() for weights in found.weights] == [[0.5, 0.5], [1.0]]


def test_populations_apart_are_refused():
    with pytest.raises(UserError, match="no complexity in common"):
        complexity_weights([[1, 2], [3, 4]])
    with pytest.raises(UserError, match="fewer bins"):
        complexity_weights([[1, 2, 9], [0, 5, 10]], bins=10)
