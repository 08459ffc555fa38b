from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.analysis.distributions import edf, effective_n, weighted_edf

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


def test_an_edf_of_no_error_at_all_is_flat():
    curve = edf([], 7)
    assert curve.errors.size == 0
    assert curve.at(0.5) == 0


@given(errors=errors.filter(len), bad=st.integers(0, 5), at=st.floats(-0.1, 1.1))
def test_band_at_an_error_is_that_of_the_step_it_lies_on(errors, bad, at):
    curve = edf(errors, len(errors) + bad)
    lower, upper = curve.band_at(at)
    below = int((curve.errors < at).sum())
    if below:
        assert (lower, upper) == (curve.lower[below - 1], curve.upper[below - 1])
    else:
        assert (lower, upper) == (0, curve.upper_before)


@given(errors=errors.filter(len), bad=st.integers(0, 5), weight=st.floats(0.01, 100))
@pytest.mark.parametrize("band", ["equal_levels", "dkw", "pointwise"])
def test_equal_weights_change_nothing(band, errors, bad, weight):
    n = len(errors) + bad
    plain = edf(errors, n, band=band)
    weighted = weighted_edf([*errors, *[np.inf] * bad], weight, band=band)
    assert weighted.n == plain.n
    assert weighted.effective_n == pytest.approx(n)
    for field in ("errors", "fraction", "lower", "upper", "upper_before"):
        np.testing.assert_allclose(getattr(weighted, field), getattr(plain, field), atol=1e-6)


def test_a_weighted_edf_counts_weights_and_leaves_out_networks_without():
    curve = weighted_edf([0.3, 0.1, np.inf, 0.2], [1, 2, 1, 0])
    assert curve.errors.tolist() == [0.1, 0.3]
    assert curve.fraction == pytest.approx([0.5, 0.75])
    assert (curve.n, curve.effective_n) == (3, pytest.approx(16 / 6))


def test_uneven_weights_widen_the_band():
    outcomes = np.linspace(0, 1, 100)
    even = weighted_edf(outcomes, 1.0)
    uneven = weighted_edf(outcomes, np.repeat([1.0, 9.0], 50))
    assert effective_n(np.repeat([1.0, 9.0], 50)) == pytest.approx(500**2 / (50 * 82))
    middle = slice(60, 90)
    assert ((uneven.upper - uneven.lower)[middle] > (even.upper - even.lower)[middle]).all()


def test_a_legend_says_which_band_it_is():
    assert edf([0.5], 1, 0.9).band_words == "90 % simultaneous band (equal local levels)"
