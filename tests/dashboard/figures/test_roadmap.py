from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dse.analysis.order.conclusion import conclude
from dse.analysis.order.game import game_of
from dse.analysis.order.walk import Walk
from dse.dashboard import theme
from dse.dashboard.figures.order import order_figure
from dse.dashboard.figures.roadmap import roadmap_figure

ROWS = pd.DataFrame(
    {
        "name": ["ResNet (modern recipe)", "kernel size 9 (side branch)", "a <b> = ConvNeXt"],
        "is_side": [False, True, False],
        "error": [0.30, 0.28, 0.25],
        "lower": [0.29, 0.27, np.nan],
        "upper": [0.31, 0.29, np.nan],
        "flops": [4.1e9, 4.2e9, 4.5e9],
        "n": [2, 2, 2],
    }
)


def test_bars_end_at_the_errors_and_flops_are_beside():
    errors, flops = roadmap_figure(ROWS).data
    assert np.asarray(errors.x) + errors.base == pytest.approx([30, 28, 25])
    assert list(flops.x) == pytest.approx([4.1, 4.2, 4.5])
    assert flops.xaxis == "x2"


def test_numbers_and_names_are_written_over_the_bars_as_text():
    words = [note.text for note in roadmap_figure(ROWS).layout.annotations]
    assert words[:3] == ["ResNet (modern recipe)", "kernel size 9 (side branch)", "a &lt;b&gt;"]
    assert words[3:6] == ["<b>30.0</b>", "<b>28.0</b>", "<b>25.0</b>"]
    assert words[6:] == ["4.10", "4.20", "4.50"]


def test_bars_of_printed_numbers_are_hollow():
    measured, printed = (roadmap_figure(ROWS, printed=p).data[0].marker for p in (False, True))
    assert list(measured.color) == [theme.GREY, theme.fade(theme.NETWORK, 0.4), theme.BEST]
    assert printed.color == "rgba(0,0,0,0)"
    assert list(printed.line.color) == list(measured.color)


def test_a_row_without_known_noise_has_no_whisker():
    bars = roadmap_figure(ROWS).data[0].error_x
    assert list(bars.array)[:2] == pytest.approx([1, 1])
    assert np.isnan(bars.array[2])


@pytest.fixture(scope="module")
def steps():
    walk = Walk(steps=("one", "<two>"))
    sets = np.repeat(np.arange(4), 2)
    errors = np.array([0.5, 0.52, 0.4, 0.42, 0.45, 0.47, 0.3, 0.32])
    return conclude(game_of(walk, sets, errors)).steps


def test_shapley_bars_have_intervals_and_single_takings_stand_beside(steps):
    bars, *marks = order_figure(steps).data
    assert list(bars.x) == pytest.approx([100 * step.shapley.value for step in steps])
    assert list(bars.error_x.array) == pytest.approx(
        [100 * (step.shapley.upper - step.shapley.value) for step in steps]
    )
    assert bars.name == "mean over 2 orders (Shapley)"
    assert [mark.name for mark in marks] == [
        "as the last of all",
        "on the paper's path",
        "as the first of all",
    ]
    assert list(marks[0].x) == pytest.approx([-15, -10])


def test_names_of_steps_are_text(steps):
    assert order_figure(steps).layout.annotations[1].text == "&lt;two&gt;"
