from __future__ import annotations

import numpy as np
import pytest

from dse.analysis.factors.good_values import good_values
from dse.analysis.factors.levels import networks
from dse.analysis.population import first_seeds
from dse.dashboard import theme
from dse.dashboard.figures.error_against import error_figures
from tests.large import make_large


def shaded(figure):
    return [shape for shape in figure.layout.shapes if shape.fillcolor]


def test_the_band_is_regnets_empirical_bootstrap_of_a_number() -> None:
    population = make_large(200)
    (wanted,) = [g for g in good_values(networks(population)) if g.name == "dims.1"]
    assert wanted.percentiles is not None
    low, middle, high = wanted.percentiles
    figure = error_figures(population, ["arch.dims.1"])["arch.dims.1"]
    (band,) = shaded(figure)
    assert (band.x0, band.x1) == (low, high)
    (line,) = [shape for shape in figure.layout.shapes if shape.type == "line"]
    assert line.x0 == middle
    said = f"best of a quarter: {middle:g} [{low:g}, {high:g}]"
    assert said in figure.layout.annotations[0].text


def test_of_numbers_that_are_levels_the_band_covers_the_places_of_its_ends() -> None:
    population = make_large(200)
    found = {g.name: g.percentiles for g in good_values(networks(population))}
    low, _, high = found["kernel_sizes.3"]
    (band,) = shaded(error_figures(population, ["arch.kernel_sizes.3"])["arch.kernel_sizes.3"])
    places = {3: 0, 5: 1, 7: 2, 9: 3}
    assert (band.x0, band.x1) == (places[low] - 0.5, places[high] + 0.5)


def test_a_category_has_no_band() -> None:
    figure = error_figures(make_large(60), ["arch.stem"])["arch.stem"]
    assert not figure.layout.shapes
    assert "quarter" not in figure.layout.annotations[0].text


def test_networks_that_lack_a_stage_are_left_out_of_its_panel_and_band() -> None:
    population = make_large(200)
    population["arch.dims.4"] = population["arch.dims.4"].where(population["index"] % 3 > 0)
    figure = error_figures(population, ["arch.dims.4"])["arch.dims.4"]
    assert "n = 133" in figure.layout.annotations[0].text
    assert len(shaded(figure)) == 1


def test_a_box_selects_levels_by_their_names_in_the_store_and_numbers_by_their_ends() -> None:
    columns = ["arch.ls_init_value", "arch.kernel_sizes.1", "arch.dims.1"]
    figures = error_figures(make_large(200), columns)
    brushes = [figures[column].layout.meta["brush"] for column in columns]
    assert [brush["y"] for brush in brushes] == 3 * [{"column": "error", "factor": 100}]
    assert brushes[0]["x"] == {"column": "arch.ls_init_value", "levels": ["1e-06", "none"]}
    assert brushes[1]["x"]["levels"] == ["3", "5", "7", "9"]
    assert brushes[2]["x"] == {"column": "arch.dims.1", "factor": 1}


def test_points_say_which_network_of_which_study_they_are() -> None:
    figure = error_figures(make_large(60, bad=0.2), ["arch.stem"], study="a page's name")[
        "arch.stem"
    ]
    points = [t for t in figure.data if t.marker.color != theme.MEAN]
    assert {(t.meta["role"], t.meta["study"]) for t in points} == {("networks", "a page's name")}
    assert sorted(i for t in points for i in t.customdata) == list(range(60))
    (means,) = [t for t in figure.data if t.marker.color == theme.MEAN]
    assert means.meta is None


def test_of_many_networks_some_are_drawn_and_every_number_is_of_all() -> None:
    population = make_large(2000)
    few = error_figures(population, ["arch.norm_layer"], most=100)["arch.norm_layer"]
    all_ = error_figures(population, ["arch.norm_layer"], most=5000)["arch.norm_layer"]
    assert sum(len(t.x) for t in few.data if t.marker.color != theme.MEAN) == 100
    assert np.asarray(few.data[-1].y) == pytest.approx(np.asarray(all_.data[-1].y))
    assert few.layout.xaxis.ticktext == all_.layout.xaxis.ticktext
    rows = first_seeds(population)
    assert f"n={(rows['arch.norm_layer'] == 'layer_norm').sum()}" in all_.layout.xaxis.ticktext[1]


def test_counts_that_would_touch_each_other_stand_in_two_rows() -> None:
    many = error_figures(make_large(9000), ["arch.depths.1"])["arch.depths.1"]
    few = error_figures(make_large(60), ["arch.depths.1"])["arch.depths.1"]
    assert [name.startswith("<br>") for name in many.layout.xaxis.ticktext] == [
        *(False, True, False, True, False)
    ]
    assert not any(name.startswith("<br>") for name in few.layout.xaxis.ticktext)
