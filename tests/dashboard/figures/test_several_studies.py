"""EDFs, plain and normalised, and the best of k: of several studies in one figure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dse.analysis.distributions import best_of, edf, weighted_edf
from dse.analysis.population import capped, first_seeds, outcomes
from dse.dashboard.figures.best_of import best_of_figure, ks
from dse.dashboard.figures.common import Look
from dse.dashboard.figures.edf import edf_figure
from dse.dashboard.figures.normalised import normalise, normalised_edf_figure
from dse.errors import UserError
from tests.large import make_large

LOOKS = (Look(study="b", colour="#D55E00"), Look(study="a", colour="#0072B2"))


@pytest.fixture(scope="module")
def both() -> pd.DataFrame:
    return pd.concat([make_large(300, study="a"), make_large(80, study="b", better=0.1, seed=1)])


def curves(figure):
    return [trace for trace in figure.data if trace.meta and trace.meta.get("role") == "edf"]


def test_each_study_has_a_curve_of_its_colour_in_the_order_of_the_looks(both) -> None:
    drawn = curves(edf_figure(both, LOOKS))
    assert [trace.meta["study"] for trace in drawn] == ["b", "a"]
    assert [trace.line.color for trace in drawn] == ["#D55E00", "#0072B2"]
    assert [trace.name.split("<br>")[0] for trace in drawn] == ["b", "a"]


def test_the_band_is_named_once_whatever_its_kind(both) -> None:
    for band, words in (("equal_levels", "equal local levels"), ("dkw", "DKW")):
        figure = edf_figure(both, LOOKS, band=band)
        named = [t.name for t in figure.data if t.name and "band" in t.name and t.showlegend]
        assert len(named) == 1
        assert words in named[0]


def test_a_few_far_errors_do_not_squeeze_the_curve_and_are_still_in_it() -> None:
    rows = make_large(400, bad=0)
    largest = 100 * rows.loc[rows["replicate"] == 0, "error"].max()
    assert edf_figure(rows).layout.xaxis.range[1] > largest
    rows.loc[rows["index"] == 7, "error"] = 0.999
    figure = edf_figure(rows)
    (curve,) = curves(figure)
    assert figure.layout.xaxis.range[1] < 90
    assert (curve.x[-1], curve.y[-1]) == (pytest.approx(99.9), 100)
    assert (np.diff(curve.x) >= 0).all()


def test_an_edf_is_selected_by_error_alone(both) -> None:
    assert edf_figure(both).layout.meta["brush"] == {"x": {"column": "error", "factor": 100}}


def test_of_many_steps_those_drawn_lie_on_the_curve_and_miss_little_of_it() -> None:
    rows = make_large(30_000)
    rows["error"] += 1e-6 * np.random.default_rng(0).random(len(rows))  # no two equal
    result = outcomes(first_seeds(rows))
    whole = edf(result[np.isfinite(result)], len(result))
    (drawn,) = curves(edf_figure(rows))
    assert len(drawn.x) < 1000
    errors = np.sort(result[np.isfinite(result)])
    place = np.searchsorted(np.asarray(drawn.x, float) / 100, errors, side="right") - 1
    shown = np.asarray(drawn.y, float)[place] / 100
    assert np.abs(shown - whole.at(errors)).max() < 0.003
    assert np.asarray(drawn.x)[1:50] == pytest.approx(100 * errors[:49], rel=1e-5)


def test_a_normalised_curve_is_the_weighted_edf_and_says_what_n_is_worth(both) -> None:
    found = normalise(both, "params", LOOKS)
    figure = normalised_edf_figure(found)
    solid = [t for t in figure.data if t.mode == "lines" and t.line.width == 2.5]
    for number, trace in enumerate(solid):
        _, part = found.parts[number]
        weights = found.weights
        curve = weighted_edf(outcomes(part), weights.weights[number], strata=weights.strata[number])
        assert trace.y[-1] == pytest.approx(100 * curve.fraction[-1], rel=1e-5)
        assert f"n = {curve.n:,}, worth {curve.effective_n:,.0f}" in trace.name
    assert [line.split(":")[0] for line in found.words] == ["b", "a"]
    assert "Parameters [M] made uniform from" in found.words[0]
    low, high = np.array([np.percentile(part["params"], (2.5, 97.5)) for _, part in found.parts]).T
    assert found.weights.edges[[0, -1]] == pytest.approx([1e-6 * low.max(), 1e-6 * high.min()])
    assert "parameters made uniform" in figure.layout.xaxis.title.text


def test_networks_whose_cost_is_not_known_are_left_out_and_nothing_in_common_is_an_error(
    both,
) -> None:
    both = both.astype({"params": float})
    both.loc[(both["study"] == "b") & (both["index"] < 10), "params"] = np.nan
    assert len(normalise(both, "params", LOOKS).parts[0][1]) == 70
    both.loc[both["study"] == "b", "params"] += 1e9
    with pytest.raises(UserError, match="no complexity in common"):
        normalise(both, "params", LOOKS)


def test_the_best_of_k_is_the_exact_expectation_with_its_interval(both) -> None:
    rows = first_seeds(both[both["study"] == "a"])
    figure = best_of_figure(both, LOOKS)
    solid, dotted = [
        t for t in figure.data if t.legendgroup == "a" and t.mode == "lines" and t.customdata
    ]
    wanted = best_of(capped(outcomes(rows), rows["classes"]), list(solid.x))
    assert list(solid.y) == pytest.approx([100 * point.error.value for point in wanted])
    assert max(solid.x) == min(dotted.x) == 300 // 20
    assert "95 % interval" in solid.customdata[0]
    assert "too few networks" in dotted.customdata[-1]
    low, high = [t for t in figure.data if t.line.width == 0][-2:]
    assert list(low.y) == pytest.approx([100 * point.error.lower for point in wanted])
    assert list(high.y) == pytest.approx([100 * point.error.upper for point in wanted])
    assert "as guessing" in solid.name


def test_of_few_networks_the_one_interval_is_a_bar_and_of_fewer_there_is_none() -> None:
    figure = best_of_figure(make_large(24))
    assert [len(t.x) for t in figure.data if t.error_y.array is not None] == [1]
    assert [t.line.dash for t in best_of_figure(make_large(8)).data] == ["dot"]


def test_sizes_of_a_search_are_at_most_the_networks() -> None:
    assert ks(1) == [1]
    for n in (2, 19, 20, 500, 10_000):
        found = ks(n)
        assert found[0] == 1
        assert found[-1] == min(n, 1000)
        assert max(n // 20, 1) in found
    assert 1000 in ks(100_000)


def test_bad_ends_count_as_guessing_and_as_the_largest_error_where_classes_are_not_known() -> None:
    rows = make_large(60, bad=0.2)
    errors = first_seeds(rows)["error"].to_numpy()
    for classes, guess in ((20, 0.95), (0, 1.0)):
        known = np.where(np.isnan(errors), guess, errors)
        mean = next(t for t in best_of_figure(rows.assign(classes=classes)).data if t.customdata)
        assert mean.y[0] == pytest.approx(100 * known.mean())
