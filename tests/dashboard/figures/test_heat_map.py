from __future__ import annotations

import numpy as np
import pytest

from dse.analysis.factors.cells import cells
from dse.analysis.factors.levels import networks
from dse.dashboard.figures.heat_map import heat_map, shown_limits
from tests.population import make_population

PAIR = ("norm_layer", "kernel_sizes.3")


@pytest.fixture(scope="module")
def table():
    return cells(networks(make_population(60)), PAIR)


def drawn(table, columns=()):
    return heat_map(table, shown_limits([table]), "small <print>", columns)


def test_every_cell_says_its_mean_and_n(table):
    figure = drawn(table)
    ground, words = figure.data
    assert np.asarray(ground.z) == pytest.approx(100 * table.mean.T)
    told = {(int(y), int(x)): text for x, y, text in zip(words.x, words.y, words.text, strict=True)}
    assert len(told) == (table.n > 0).sum()
    assert told[2, 1] == f"{100 * table.mean[1, 2]:.1f}<br>n={table.n[1, 2]}"


def test_the_parameter_of_more_levels_goes_downwards(table):
    figure = drawn(table)
    assert figure.layout.yaxis.title.text == "Kernel size, stage 3"
    assert list(figure.layout.xaxis.ticktext) == ["BatchNorm", "LayerNorm"]


def test_cells_of_few_networks_have_a_frame(table):
    few = {(y, x) for x, y in table.is_few.tolist()}
    frames = {
        (round((shape.y0 + shape.y1) / 2), round((shape.x0 + shape.x1) / 2))
        for shape in drawn(table).layout.shapes
    }
    assert frames == few


def test_a_box_selects_by_both_parameters_where_they_are_columns(table):
    brush = drawn(table, [f"arch.{name}" for name in PAIR]).layout.meta["brush"]
    assert brush["x"] == {"column": "arch.norm_layer", "levels": ["batch_norm", "layer_norm"]}
    assert brush["y"]["levels"] == ["3", "5", "7", "9"]
    assert drawn(table).layout.meta is None


def test_colours_go_from_the_least_to_the_largest_mean_of_enough_networks(table):
    low, high = shown_limits([table])
    means = 100 * table.mean[table.n >= 5]
    assert (low, high) == pytest.approx((means.min(), means.max()))


def test_small_print_is_text(table):
    assert "small &lt;print&gt;" in drawn(table).layout.title.text
