from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from dse.dashboard.panels.base import Group, Options, Plot
from dse.dashboard.panels.factors import EFFECTS_SHOWN, PAIRS_SHOWN, effects, heat_maps, importance
from dse.dashboard.panels.parallel import MOST_AXES, parallel
from dse.dashboard.view import View
from tests.dashboard.conftest import make_study
from tests.population import make_population

DRAWN = ("importance", "effects", "heat_maps", "parallel")
PANELS = dict(zip(DRAWN, (importance, effects, heat_maps, parallel), strict=True))


@pytest.fixture(scope="module")
def study():
    return make_study(make_population(200))


def draw(name, *studies, **options):
    return PANELS[name](View(studies=studies), Options(**options))


def plots(blocks) -> list[Plot]:
    found = []
    for block in blocks:
        if isinstance(block, Group):
            found += plots(block.blocks)
        elif isinstance(block, Plot):
            found.append(block)
    return found


@pytest.mark.parametrize("name", DRAWN)
def test_each_says_in_words_what_it_draws_and_of_how_many(name, study):
    section = draw(name, study)
    assert section.note
    for plot in plots(section.blocks):
        assert "200" in plot.described


@pytest.mark.parametrize("name", DRAWN)
def test_a_search_is_no_sample_and_is_left_out(name, study):
    search = dataclasses.replace(study, kind="search", summary=None)
    assert draw(name, search) is None


@pytest.mark.parametrize("name", DRAWN)
def test_a_study_without_networks_shows_nothing(name):
    population = make_population(6, diverged=()).assign(state="waiting", error=float("nan"))
    assert draw(name, make_study(population)) is None


@pytest.mark.parametrize("name", DRAWN)
def test_figures_of_several_studies_have_names_of_their_own(name, study):
    other = dataclasses.replace(study, name="other")
    names = [plot.name for plot in plots(draw(name, study, other).blocks)]
    assert len(set(names)) == len(names)


def test_the_table_has_a_row_a_parameter_with_its_interval_and_corrected_p(study):
    table = draw("importance", study).blocks[1]
    assert table.count("<tr>") == 1 + len(study.levels.factors)
    assert "Share of the order [%]" in table
    assert "fANOVA" not in table
    known = dataclasses.replace(study, fanova={"norm_layer": 0.5})
    assert "fANOVA" in draw("importance", known).blocks[1]


def test_heat_maps_are_of_the_pairs_that_interact_most_or_of_those_asked_for(study):
    section = draw("heat_maps", study)
    assert len(plots(section.blocks)) == PAIRS_SHOWN
    assert "all were tested" in section.blocks[-1]
    asked = draw("heat_maps", study, columns=("arch.stem", "arch.norm_layer", "arch.act_layer"))
    assert [plot.name for plot in plots(asked.blocks)] == [
        "stem-norm_layer",
        "stem-act_layer",
        "norm_layer-act_layer",
    ]


def test_heat_maps_share_their_colours(study):
    maps = plots(draw("heat_maps", study).blocks)
    assert len({(plot.figure.data[0].zmin, plot.figure.data[0].zmax) for plot in maps}) == 1


def test_effects_are_of_what_matters_most_or_of_the_columns_asked_for(study):
    section = draw("effects", study)
    means = plots(section.blocks)[0].figure
    assert len(means.layout.annotations) == EFFECTS_SHOWN
    asked = plots(draw("effects", study, columns=("arch.stem",)).blocks)[0].figure
    assert [note.text for note in asked.layout.annotations] == ["<b>Stem</b>"]


def test_parallel_says_which_networks_and_parameters_it_leaves_out():
    study = make_study(make_population(500))
    section = draw("parallel", study)
    assert len(plots(section.blocks)[0].figure.layout.meta["brush"]["rows"]) == MOST_AXES + 1
    assert "400 of 500 networks drawn" in section.blocks[1]
    assert f"The {MOST_AXES} of 22 parameters" in section.blocks[1]


def test_parameters_are_what_was_drawn_where_that_is_known(study):
    index = sorted(set(study.population["index"]))
    growth = pd.DataFrame({"dims.growth.1": [1.5 + i % 3 for i in index]}, index=index)
    drawn = dataclasses.replace(study, choices=growth)
    assert [factor.name for factor in drawn.levels.factors] == ["dims.growth.1"]
    assert "Growth of width, after stage 1" in draw("importance", drawn).blocks[1]
