from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from dse.dashboard.page import Page
from dse.dashboard.panels import PANELS
from dse.dashboard.panels.base import Options, Section
from dse.dashboard.view import View
from tests.dashboard.panels.studies import make_search, make_survey
from tests.dashboard.panels.test_distributions import plots


@pytest.fixture(scope="module")
def view() -> View:
    return View(studies=(make_survey(80), make_search(40)))


def draw(view: View, name: str, *columns: str) -> Section | None:
    return PANELS[name].draw(view, Options(columns=columns))


def test_every_study_is_in_the_figure_of_a_cost_and_a_search_is_told_apart(view) -> None:
    section = draw(view, "costs")
    assert section is not None
    assert [plot.name for plot in plots(section)] == ["flops", "params", "activations"]
    for plot in plots(section):
        names = [t.name.split("<br>")[0] for t in plot.figure.data if t.name]
        assert names == ["a", "found (search)"]
    assert "which are no sample of a space" in section.note
    assert "too good on average" in section.note
    assert "multiply-adds" in section.note


def test_of_samples_alone_nothing_is_said_of_searches(view) -> None:
    section = draw(View(studies=view.studies[:1]), "costs")
    assert section is not None
    assert "no sample" not in section.note


def test_costs_that_are_not_told_are_not_drawn(view) -> None:
    survey = view.studies[0]
    unknown = survey.population.assign(flops=float("nan"))
    one = View(studies=(dataclasses.replace(survey, population=unknown),))
    assert [plot.name for plot in plots(draw(one, "costs"))] == ["params", "activations"]
    assert [plot.name for plot in plots(draw(one, "costs", "arch.dims.1"))] == ["arch.dims.1"]
    assert draw(one, "costs", "arch.stem") is None


def test_large_populations_say_how_many_are_drawn() -> None:
    view = View(studies=(make_survey(900), make_search(100)))
    section = draw(view, "costs")
    assert section is not None
    assert "600 of 1,000 networks drawn; every number is of all." in section.note
    for plot in plots(section):
        drawn = sum(len(t.x) for t in plot.figure.data if t.meta)
        assert 590 <= drawn <= 600


def test_each_measured_number_has_a_figure_for_each_of_its_conditions(view) -> None:
    found = plots(draw(view, "measurements"))
    assert len(found) == 6
    titles = [plot.figure.layout.xaxis.title.text.replace("\u00a0", " ") for plot in found]
    for device in ("NVIDIA H100, bfloat16", "cpu, float32"):
        assert sum(device in title for title in titles) == 3
    latency = next(title for title in titles if title.startswith("Latency [ms]"))
    assert "batch 1" in latency
    assert "channels last" in latency
    assert "224 px" in latency
    assert "median of 11 runs" in latency
    memory = next(title for title in titles if title.startswith("Memory of training [MB]"))
    assert "runs" not in memory


def test_more_throughput_is_better_and_a_score_has_no_front(view) -> None:
    survey = view.studies[0]
    latency = survey.measurements[survey.measurements["name"] == "latency"]
    score = latency.assign(name="zen<b>score", unit="1")
    study = dataclasses.replace(survey, measurements=pd.concat([survey.measurements, score]))
    for plot in plots(draw(View(studies=(study,)), "measurements")):
        steps = [t for t in plot.figure.data if t.line.shape == "hv"]
        if plot.name.startswith("zen"):
            assert not steps
            assert "zen&lt;b&gt;score" in plot.figure.layout.xaxis.title.text
        else:
            assert (steps[0].x[0] > steps[0].x[-1]) == plot.name.startswith("throughput")


def test_measurements_asked_for_alone_and_of_none(view) -> None:
    assert len(plots(draw(view, "measurements", "latency"))) == 2
    assert draw(view, "measurements", "energy") is None
    without = dataclasses.replace(
        view.studies[0], measurements=view.studies[0].measurements.head(0)
    )
    assert draw(View(studies=(without,)), "measurements") is None


def test_names_are_text_everywhere(view) -> None:
    evil = "<img src=x onerror=alert(1)>"
    measured = view.studies[0].measurements.assign(device=evil)
    study = dataclasses.replace(view.studies[0], name=evil, measurements=measured)
    page = Page()
    for name in ("costs", "measurements", "edf", "seeds", "curves", "progress", "workers"):
        section = draw(View(studies=(study, view.studies[1])), name)
        assert section is not None
        assert "<img" not in page.section(name, section)
    for figure in page.figures.values():
        shown = figure.to_plotly_json()
        layout = str(shown["layout"].get("xaxis")) + str(shown["layout"].get("annotations"))
        texts = [layout, *(f"{t.name}{t.hovertemplate}" for t in figure.data)]
        assert not any("<img" in text for text in texts)
