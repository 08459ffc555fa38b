from __future__ import annotations

import dataclasses

import pytest

from dse.dashboard.page import Page
from dse.dashboard.panels import PANELS
from dse.dashboard.panels.base import Group, Options, Plot, Section, pooled
from dse.dashboard.view import StudyData, View
from tests.dashboard.panels.studies import make_search, make_survey

NAMES = ("edf", "normalised_edf", "best_of")


@pytest.fixture(scope="module")
def view() -> View:
    return View(
        studies=(make_search(60, name="c"), make_survey(80, name="a"), make_survey(50, name="b"))
    )


def draw(view: View, name: str, *columns: str) -> Section | None:
    return PANELS[name].draw(view, Options(columns=columns))


def plots(section: Section | Group | None) -> list[Plot]:
    assert section is not None
    found: list[Plot] = []
    for block in section.blocks:
        if isinstance(block, Group):
            found += plots(block)
        elif isinstance(block, Plot):
            found.append(block)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_samples_share_a_figure_in_their_colours_and_a_search_is_in_none(view, name) -> None:
    for plot in plots(draw(view, name)):
        lines = [
            t for t in plot.figure.data if t.name and "n = " in t.name and t.showlegend is not False
        ]
        assert [t.name.split("<br>")[0] for t in lines] == ["a", "b"]
        colours = [view.colour(study) for study in view.studies[1:]]
        assert [t.line.color for t in lines] == colours


@pytest.mark.parametrize("name", NAMES)
def test_without_a_sample_there_is_no_section(view, name) -> None:
    assert draw(View(studies=view.studies[:1]), name) is None


def test_costs_that_hardly_vary_are_not_made_uniform_unless_asked_for(view) -> None:
    assert [plot.name for plot in plots(draw(view, "normalised_edf"))] == ["params", "activations"]
    assert [plot.name for plot in plots(draw(view, "normalised_edf", "flops"))] == ["flops"]
    assert draw(view, "normalised_edf", "no such column") is None


def test_studies_that_have_no_cost_in_common_are_told_so() -> None:
    one, other = make_survey(30, name="a"), make_survey(30, name="b")
    far = other.population.assign(params=other.population["params"] * 1000)
    view = View(studies=(one, dataclasses.replace(other, population=far)))
    section = draw(view, "normalised_edf", "params")
    assert section is not None
    said = Page().section("x", section)
    assert "Not drawn: the populations have no complexity in common" in said


def test_networks_are_pooled_under_the_names_of_the_page(view) -> None:
    renamed: StudyData = dataclasses.replace(view.studies[1], name="another name")
    rows = pooled([renamed, view.studies[2]], "params", "not there")
    assert rows.groupby("study", sort=False).size().to_dict() == {"another name": 80, "b": 50}
    assert "params" in rows
    assert "not there" not in rows


def test_errors_beyond_the_frame_are_told_where_there_are_any(view) -> None:
    section = draw(view, "edf")
    assert section is not None
    assert "beyond the frame" not in section.note
    population = view.studies[1].population.copy()
    population.loc[population["error"].idxmin(), "error"] = 0.999
    far = View(studies=(dataclasses.replace(view.studies[1], population=population),))
    section = draw(far, "edf")
    assert section is not None
    assert "A few large errors lie beyond the frame" in section.note
