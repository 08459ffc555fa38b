from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dse.analysis.distributions.bands import bounds
from dse.analysis.distributions.crossing import EXACT, holding_probability, local_level

KINDS = ("equal_levels", "dkw", "pointwise")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 2, 30, 5000])
def test_bounds_rise_with_the_count_hold_the_share_and_mirror(kind, n):
    counts = np.arange(n + 1.0)
    lower, upper = bounds(kind, counts, n, 0.95)
    assert (np.diff(lower) >= 0).all()
    assert (np.diff(upper) >= 0).all()
    assert (lower <= counts / n + 1e-12).all()
    assert (counts / n <= upper + 1e-12).all()
    assert lower[0] == pytest.approx(0, abs=1e-12)
    assert upper == pytest.approx(1 - lower[::-1])


def test_dkw_band_has_massarts_width():
    lower, upper = bounds("dkw", np.array([50.0]), 100, 0.95)
    assert lower[0] == pytest.approx(0.5 - 0.13581015)
    assert upper[0] == pytest.approx(0.5 + 0.13581015)


def test_pointwise_band_is_wilsons():
    lower, upper = bounds("pointwise", np.arange(21.0), 20, 0.9)
    for count in range(21):
        theirs = stats.binomtest(count, 20).proportion_ci(0.9, method="wilson")
        assert (lower[count], upper[count]) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@pytest.mark.parametrize(("kind", "most"), [("equal_levels", 0.962), ("dkw", 0.972)])
def test_simultaneous_bands_hold_the_whole_curve_as_often_as_they_say(kind, most):
    rng, n, repeats = np.random.default_rng(1), 40, 20_000
    drawn = np.sort(rng.random((repeats, n)), axis=1)
    lower, upper = bounds(kind, np.arange(n + 1.0), n, 0.95)
    # The truth is F(x) = x. It has to be above each lower step's start, below each upper one's end.
    held = (drawn >= lower[1:]) & (drawn <= upper[:-1])
    assert 0.945 <= held.all(axis=1).mean() <= most


@pytest.mark.parametrize(("n", "level"), [(1, 0.1), (2, 0.04), (7, 0.02), (60, 0.004)])
def test_holding_probability_is_what_simulation_finds(n, level):
    ranks = np.arange(1, n + 1)
    lower, upper = stats.beta.ppf([[level / 2], [1 - level / 2]], ranks, n + 1 - ranks)
    drawn = np.sort(np.random.default_rng(n).random((40_000, n)), axis=1)
    found = ((drawn >= lower) & (drawn <= upper)).all(axis=1).mean()
    assert holding_probability(n, level) == pytest.approx(found, abs=0.005)


@pytest.mark.parametrize("n", [1, 3, 100, 1999, EXACT + 1])
def test_all_bounds_of_the_local_level_hold_at_once_with_the_confidence(n):
    assert holding_probability(n, local_level(n, 0.9)) == pytest.approx(0.9, abs=2e-4)


def test_beyond_the_exact_numbers_the_level_is_extrapolated_well():
    assert holding_probability(10_000, local_level(10_000, 0.95)) == pytest.approx(0.95, abs=5e-4)


def test_many_counts_are_interpolated_without_harm():
    n = 30_000
    lower, upper = bounds("equal_levels", np.arange(n + 1.0), n, 0.95)
    some = np.array([1, 2, 50, 1234, 15_000, 29_990, n])
    exact, _ = bounds("equal_levels", some.astype(float), n, 0.95)
    assert lower[some] == pytest.approx(exact, rel=1e-4, abs=1e-5 * (upper - lower).max())


def test_equal_levels_are_narrower_than_dkw_where_errors_are_low():
    counts = np.array([0.0, 5.0, 50.0, 250.0])
    ours, theirs = (np.subtract(*bounds(kind, counts, 500, 0.95)[::-1]) for kind in KINDS[:2])
    assert (ours / theirs)[:3] == pytest.approx([0.25, 0.42, 0.79], abs=0.1)
    assert ours[3] / theirs[3] == pytest.approx(1.19, abs=0.01)
