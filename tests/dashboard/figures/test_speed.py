"""No figure takes long for many networks; the limits are several times what is measured."""

from __future__ import annotations

import time
from collections.abc import Callable

import pandas as pd
import pytest

from dse.analysis.reliability import reliability
from dse.dashboard.figures.best_of import best_of_figure
from dse.dashboard.figures.curves import curves_figure
from dse.dashboard.figures.edf import edf_figure
from dse.dashboard.figures.error_against import error_figures
from dse.dashboard.figures.fronts import front_figure
from dse.dashboard.figures.normalised import normalise, normalised_edf_figure
from dse.dashboard.figures.progress import progress_figure
from dse.dashboard.figures.seeds import seed_pairs, seeds_figure
from tests.large import make_landings, make_large, make_large_curves

NETWORKS = 10_000
SECONDS = 1.0
FIGURES: dict[str, Callable[[pd.DataFrame], object]] = {
    "edf": edf_figure,
    "normalised": lambda p: normalised_edf_figure(normalise(p, "params")),
    "best of": best_of_figure,
    "error against many numbers": lambda p: error_figures(p, ["params"]),
    "error against texts": lambda p: error_figures(p, ["arch.stem"]),
    "error against texts or nothing": lambda p: error_figures(p, ["arch.ls_init_value"]),
    "front": lambda p: front_figure(p[p["replicate"] == 0], "params"),
    "seeds": lambda p: seeds_figure(seed_pairs(p), 2500, reliability(p, 2500)),
    "progress": lambda p: progress_figure(make_landings(p)),
}


@pytest.fixture(scope="module")
def population() -> pd.DataFrame:
    return make_large(NETWORKS)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_of_ten_thousand_networks_is_quick_and_small(population, name) -> None:
    start = time.process_time()
    figure = FIGURES[name](population)
    assert time.process_time() - start < SECONDS
    figures = figure.values() if isinstance(figure, dict) else [figure]
    assert max(len(figure.to_json()) for figure in figures) < 150_000


def test_curves_of_ten_thousand_networks_are_quick(population) -> None:
    curves = make_large_curves(population)
    start = time.process_time()
    curves_figure(population, curves)
    assert time.process_time() - start < SECONDS
