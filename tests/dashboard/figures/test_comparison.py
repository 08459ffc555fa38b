from __future__ import annotations

import numpy as np
import pytest

from dse.analysis.estimate import Estimate
from dse.analysis.spaces.dominance import edf_gap
from dse.dashboard import theme
from dse.dashboard.figures.comparison import MOST_STEPS, gap_figure, quantiles_figure

COLOURS = (theme.BLUE, theme.VERMILLION)
NAMES = ("a <b>", "other")


def outcomes(n, middle, seed=0):
    return middle + 0.05 * np.random.default_rng(seed).standard_normal(n)


def test_the_curve_is_the_difference_of_the_edfs_within_its_band():
    gap = edf_gap(outcomes(60, 0.4), outcomes(50, 0.45, 1))
    lower, upper, *_, curve = gap_figure(gap, NAMES, COLOURS).data
    assert np.asarray(curve.y) == pytest.approx(100 * gap.gap)
    assert np.asarray(curve.x) == pytest.approx(100 * gap.errors)
    assert (np.asarray(lower.y) <= curve.y).all()
    assert (np.asarray(upper.y) >= curve.y).all()
    assert curve.name == "difference, n = 60 and 50"


def test_ground_is_coloured_where_the_band_leaves_out_zero_and_only_there():
    gap = edf_gap(outcomes(200, 0.4), outcomes(200, 0.45, 1))
    shown = [t for t in gap_figure(gap, NAMES, COLOURS).data if (t.name or "").startswith("shown")]
    assert [trace.name for trace in shown] == ["shown: a &lt;b&gt; has more"]
    assert (np.asarray(shown[0].y) != 0).sum() == (gap.lower > 0).sum()
    alike = edf_gap(outcomes(200, 0.4), outcomes(200, 0.4, 1))
    names = [trace.name or "" for trace in gap_figure(alike, NAMES, COLOURS).data]
    assert not any(name.startswith("shown") for name in names)


def test_a_curve_of_many_steps_is_thinned_from_end_to_end():
    gap = edf_gap(outcomes(4000, 0.4), outcomes(4000, 0.45, 1))
    curve = gap_figure(gap, NAMES, COLOURS).data[-1]
    assert len(curve.x) == MOST_STEPS
    assert (curve.x[0], curve.x[-1]) == pytest.approx((100 * gap.errors[0], 100 * gap.errors[-1]))


def estimate(value, lower, upper):
    return Estimate(value=value, lower=lower, upper=upper, n=110)


def test_dots_have_the_colour_of_the_space_that_is_shown_to_be_better():
    found = {
        0.1: estimate(-0.02, -0.03, -0.01),
        0.5: estimate(0.0, -0.01, 0.01),
        0.75: estimate(0.02, 0.01, 0.03),
        0.9: estimate(np.nan, -np.inf, np.inf),
    }
    dots = quantiles_figure(found, COLOURS).data[0]
    assert list(dots.x) == [10, 50, 75]
    assert list(dots.marker.color) == [theme.BLUE, theme.GREY, theme.VERMILLION]
    assert list(dots.error_y.array) == pytest.approx([1, 1, 1])


def test_a_bound_among_bad_ends_reaches_beyond_the_frame():
    found = {0.5: estimate(-0.02, -0.03, -0.01), 0.9: estimate(-0.02, -0.04, np.inf)}
    figure = quantiles_figure(found, COLOURS)
    dots, top = figure.data[0], figure.layout.yaxis.range[1]
    assert dots.y[1] + dots.error_y.array[1] > top
    assert np.isfinite(dots.error_y.array).all()
