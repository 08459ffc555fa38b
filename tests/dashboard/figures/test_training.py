"""Learning curves and seed noise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dse.analysis.distributions import quantile
from dse.analysis.population import first_seeds
from dse.analysis.reliability import reliability
from dse.dashboard import theme
from dse.dashboard.figures.curves import curve_table, curves_figure
from dse.dashboard.figures.seeds import chosen_shift, seed_pairs, seeds_figure
from tests.large import make_large, make_large_curves


@pytest.fixture(scope="module")
def population() -> pd.DataFrame:
    return make_large(200)


def test_bands_and_median_are_the_quantiles_of_every_epoch(population) -> None:
    curves = make_large_curves(population)
    figure = curves_figure(population, curves, study="a")
    rows = first_seeds(population)
    last = curves[(curves["epoch"] == 10) & (curves["replicate"] == 0)]["error"].to_numpy()
    known = np.append(last, np.full(len(rows) - len(last), np.inf))
    bands = [trace for trace in figure.data if trace.line.width == 0]
    shares = (0.1, 0.9, 0.25, 0.75)
    assert [trace.y[-1] for trace in bands] == pytest.approx(
        [100 * quantile(known, share).value for share in shares]
    )
    (median,) = [trace for trace in figure.data if trace.meta]
    assert median.meta == {"role": "curves", "study": "a"}
    assert median.y[-1] == pytest.approx(100 * quantile(known, 0.5).value)
    assert median.name == "median of n = 200"


def test_a_table_of_curves_has_a_row_a_network_in_the_order_asked_for() -> None:
    rows = [(7, 0, 1, 0.9), (7, 0, 2, 0.8), (7, 1, 1, 0.1), (3, 0, 2, 0.7), (5, 0, 1, 0.6)]
    curves = pd.DataFrame(rows, columns=["index", "replicate", "epoch", "error"])
    epochs, errors = curve_table(curves, np.array([3, 7]))
    assert epochs.tolist() == [1, 2]
    np.testing.assert_array_equal(errors, [[np.nan, 0.7], [0.9, 0.8]])


def test_long_curves_have_no_marks(population) -> None:
    figure = curves_figure(population, make_large_curves(population, epochs=120))
    assert {trace.mode for trace in figure.data} == {"lines"}


def figure_of(population: pd.DataFrame, subset: int):
    pairs = seed_pairs(population)
    return pairs, seeds_figure(pairs, subset, reliability(population, subset), study="a")


def test_networks_chosen_at_random_stand_apart_from_the_finalists(population) -> None:
    pairs, figure = figure_of(population, 50)
    points = [trace for trace in figure.data if trace.meta and len(trace.x)]
    random, chosen, bad = points
    assert random.name.startswith("chosen at random, n = 50<br>ICC 0.")
    assert chosen.name.startswith("chosen for the first error, n = ")
    assert max(random.customdata) < 50 <= min(chosen.customdata)
    assert random.marker.color != chosen.marker.color
    assert random.marker.symbol != chosen.marker.symbol
    assert bad.marker.symbol == "x"
    assert sum(len(trace.x) for trace in points) == len(pairs)


def test_the_icc_and_the_noise_are_those_of_the_random_ones(population) -> None:
    _, figure = figure_of(population, 50)
    result = reliability(population, 50)
    assert result.icc is not None
    assert result.seed_std is not None
    names = " ".join(trace.name or "" for trace in figure.data)
    icc = result.icc
    assert f"ICC {icc.value:.2f} [{icc.lower:.2f}, {icc.upper:.2f}], n = {icc.n}" in names
    assert f"std. dev. {100 * result.seed_std.value:.2f}" in names
    lower, upper = [trace for trace in figure.data if trace.line.width == 0]
    half = 1.96 * np.sqrt(2) * 100 * result.seed_std.value
    assert np.asarray(upper.y) - np.asarray(lower.y) == pytest.approx(2 * half, rel=1e-3)


def test_the_second_errors_of_finalists_are_larger_on_average() -> None:
    noisy = make_large(4000, bad=0)
    shift = chosen_shift(seed_pairs(noisy), 1000)
    assert shift is not None
    assert 0 < shift.lower < shift.value
    assert shift.n == (noisy["replicate"] == 1).sum() - 1000


def test_without_noise_that_can_be_told_there_is_no_band(population) -> None:
    few = population[population["index"] < 2]
    _, figure = figure_of(few, 2)
    assert not [trace for trace in figure.data if trace.line.width == 0]
    assert "ICC not known" in " ".join(trace.name or "" for trace in figure.data)


def test_pairs_are_networks_whose_two_seeds_have_ended() -> None:
    rows = [(0, 0, "complete", 0.5), (0, 1, "complete", 0.4), (1, 0, "complete", 0.5)]
    rows += [(1, 1, "running", np.nan), (2, 0, "complete", 0.3), (2, 1, "failed", np.nan)]
    frame = pd.DataFrame(rows, columns=["index", "replicate", "state", "error"])
    pairs = seed_pairs(frame)
    assert pairs[["index", "error", "second"]].to_numpy().tolist() == [
        [0, 0.5, 0.4],
        [2, 0.3, np.inf],
    ]
    assert seed_pairs(frame.head(0)).empty


def test_axes_of_the_two_seeds_have_one_scale(population) -> None:
    _, figure = figure_of(population, 50)
    assert figure.layout.xaxis.range == figure.layout.yaxis.range
    assert figure.layout.yaxis.scaleanchor == "x"
    assert list(figure.layout.meta["brush"]) == ["x"]
    assert {t.marker.color for t in figure.data if t.meta} == {
        *(theme.NETWORK, theme.BEST, theme.BAD)
    }
