from __future__ import annotations

import numpy as np
import pytest

from dse.analysis.factors.contrasts import level_effects
from dse.analysis.factors.importance import importances
from dse.analysis.factors.levels import networks
from dse.dashboard.figures.effects import is_held, means_figure, ratios_figure
from dse.dashboard.figures.importance import importance_figure
from tests.population import make_population


@pytest.fixture(scope="module")
def found():
    return networks(make_population(200))


def test_bars_are_shares_of_the_order_with_their_intervals(found):
    rows = importances(found)
    figure = importance_figure(rows, {rows[0].name})
    first, rest, ped = figure.data
    share = rows[0].variance_share
    assert share is not None
    assert list(first.x) == pytest.approx([100 * share.value])
    assert list(first.error_x.array) == pytest.approx([100 * (share.upper - share.value)])
    assert first.name == "share of the order, shown to matter"
    assert len(rest.y) == len(rows) - 1
    assert list(ped.x) == pytest.approx([100 * row.ped_anova for row in rows])
    assert figure.layout.xaxis.title.text == "Share, n = 200"


def test_fanova_stands_beside_where_it_is_known(found):
    rows = importances(found, fanova={"norm_layer": 0.25})
    marks = importance_figure(rows, set()).data[-1]
    assert marks.name == "fANOVA"
    assert [x for x in marks.x if x is not None] == [25.0]


def test_every_level_of_the_chosen_parameters_has_a_dot_at_its_mean(found):
    effects = level_effects(found)[:3]
    figure = means_figure(effects, found.factors, 0.5)
    x = np.concatenate([trace.x for trace in figure.data])
    means = [100 * level.mean.value for effect in effects for level in effect.levels if level.n]
    assert sorted(x) == pytest.approx(sorted(means))
    assert len(figure.layout.yaxis.ticktext) == len(means)
    heads = [note.text for note in figure.layout.annotations]
    assert heads == ["<b>Depth, stage 1</b>", "<b>Depth, stage 2</b>", "<b>Depth, stage 3</b>"]


def test_dots_are_filled_only_where_the_interval_leaves_out_the_dashed_line(found):
    effects = level_effects(found)
    filled, hollow = means_figure(effects, found.factors, found.capped.mean()).data
    assert filled.marker.symbol == "circle"
    middle = 100 * found.capped.mean()
    for dots, is_apart in ((filled, True), (hollow, False)):
        low = dots.x - np.asarray(dots.error_x.arrayminus)
        high = dots.x + np.asarray(dots.error_x.array)
        assert (((low > middle) | (high < middle)) == is_apart).all()
        assert len(low)


def test_ratios_hold_other_choices_where_networks_are_enough(found):
    effects = level_effects(found)
    assert is_held(effects)
    assert "others held" in ratios_figure(effects, found.factors).layout.xaxis.title.text
    few = networks(make_population(24))
    told = ratios_figure(level_effects(few), few.factors).layout.xaxis.title.text
    assert "as sampled" in told
