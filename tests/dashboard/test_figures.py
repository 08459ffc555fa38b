from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dse.dashboard import theme
from dse.dashboard.figures.common import error_range
from dse.dashboard.figures.curves import curves_figure
from dse.dashboard.figures.edf import edf_figure
from dse.dashboard.figures.error_against import error_figures
from tests.population import make_curves, make_population


def names(figure):
    return [trace.name for trace in figure.data if trace.name]


def test_edf_curve_steps_to_the_share_that_has_an_error_within_its_band(population):
    lower, upper, curve = edf_figure(population).data
    assert curve.y[0] == 0
    assert curve.y[-1] == pytest.approx(100 * 22 / 24)
    assert (np.diff(curve.y) >= 0).all()
    assert (np.asarray(lower.y) <= np.asarray(curve.y)).all()
    assert (np.asarray(curve.y) <= np.asarray(upper.y)).all()
    assert {trace.line.shape for trace in (lower, upper, curve)} == {"hv"}


def test_edf_legend_says_study_n_bad_ends_and_band(population):
    assert names(edf_figure(population)) == [
        "95 % simultaneous band (equal local levels)",
        "convnext_space-4.5GFLOPs<br>n = 24, 2 of them without an error",
    ]


def test_each_study_has_its_own_curve_and_colour(population):
    both = pd.concat([population, make_population(12, seed=1, diverged=(), study="other")])
    curves = [t for t in edf_figure(both).data if t.name and "n =" in t.name]
    assert [t.name.endswith("n = 12") for t in curves] == [False, True]
    assert curves[0].line.color != curves[1].line.color


def test_names_are_text_for_plotly_too(population):
    population["study"] = '<a href="https://example.org">x</a>'
    assert "&lt;a href=" in names(edf_figure(population))[1]


def test_panels_share_the_error_axis_and_show_every_network(population):
    figures = error_figures(population, ["arch.norm_layer", "arch.dims.1", "flops"], best=15)
    ranges = {tuple(figure.layout.yaxis.range) for figure in figures.values()}
    assert len(ranges) == 1
    for column, figure in figures.items():
        points = [t for t in figure.data if t.mode == "markers" and t.marker.color != theme.MEAN]
        assert sum(len(t.x) for t in points) == 24, column
        crosses = [t for t in points if t.marker.symbol == "x"]
        assert [len(t.x) for t in crosses] == [2]
        best = [t for t in points if t.marker.color == theme.BEST]
        assert [list(t.customdata) for t in best] == [[15]]


def test_a_category_panel_names_levels_with_n_and_draws_mean_intervals(population):
    figure = error_figures(population, ["arch.norm_layer"])["arch.norm_layer"]
    assert list(figure.layout.xaxis.ticktext) == ["BatchNorm<br>n=14", "LayerNorm<br>n=10"]
    means = next(t for t in figure.data if t.marker.color == theme.MEAN)
    first = population[population["replicate"] == 0]
    layer_norm = first[first["arch.norm_layer"] == "layer_norm"]["error"]
    assert means.y[1] == pytest.approx(100 * layer_norm.mean())
    assert (np.asarray(means.error_y.array) > 0).all()


def test_a_number_panel_states_rho_and_n(population):
    figure = error_figures(population, ["params"])["params"]
    text = figure.layout.annotations[0].text
    assert "ρ =" in text
    assert "n = 24" in text
    assert figure.layout.xaxis.type == "log"


def test_narrow_ranges_stay_linear(population):
    assert error_figures(population, ["flops"])["flops"].layout.xaxis.type == "linear"


def test_curves_show_median_band_and_the_picked_networks(population):
    figure = curves_figure(population, make_curves(population), best=15, worst=16)
    assert names(figure) == [
        "middle 80 %",
        "middle half",
        "median of n = 24",
        "best: network 15",
        "worst: network 16",
    ]
    best = next(t for t in figure.data if t.name == "best: network 15")
    row = population[(population["index"] == 15) & (population["replicate"] == 0)]
    assert best.y[-1] == pytest.approx(100 * row["error"].item())


def test_bad_ends_lift_the_band_of_the_curves():
    calm = make_population(12, diverged=())
    wild = make_population(12, diverged=(0, 1, 2, 3, 4))
    wild.loc[wild["state"] == "complete", "error"] = calm["error"]
    upper = {
        name: next(
            t for t in curves_figure(p, make_curves(p)).data if t.name and "middle" in t.name
        )
        for name, p in (("calm", calm), ("wild", wild))
    }
    assert upper["wild"].y[-1] > upper["calm"].y[-1]


def test_figures_of_nothing_but_bad_ends_are_drawn():
    population = make_population(5, diverged=(0, 1, 2, 3, 4))
    assert max(edf_figure(population).data[-1].y) == 0
    assert error_figures(population, ["flops"])
    assert curves_figure(population, make_curves(population).head(0)).data == ()


def test_error_range_holds_every_error_with_room_on_top():
    low, high = error_range(np.array([0.4, 0.6, np.inf]))
    assert low < 40
    assert high > 60
    assert error_range(np.array([np.inf])) == (0, 100)
