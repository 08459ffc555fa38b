from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dse.analysis.corrected import holm

P = st.lists(st.floats(0, 1), min_size=1, max_size=8)


def test_holms_example() -> None:
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])
    assert holm([0.9, 0.9]).tolist() == [1, 1]
    assert holm([]).tolist() == []


def test_a_test_that_could_not_be_made_does_not_count() -> None:
    np.testing.assert_allclose(holm([0.01, np.nan, 0.04, 0.03]), [0.03, np.nan, 0.06, 0.06])


@given(P)
def test_adjusted_values_are_between_the_raw_ones_and_bonferronis_and_keep_their_order(
    p: list[float],
) -> None:
    found, raw = holm(p), np.array(p)
    assert (found >= raw).all()
    assert (found <= np.minimum(raw * len(p), 1)).all()
    assert (np.diff(found[np.argsort(raw, kind="stable")]) >= 0).all()


@given(P)
def test_the_order_of_the_comparisons_does_not_matter(p: list[float]) -> None:
    places = np.random.default_rng(len(p)).permutation(len(p))
    np.testing.assert_array_equal(holm(np.array(p)[places]), holm(p)[places])
