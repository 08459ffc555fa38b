from __future__ import annotations

from dse.dashboard.page import Page
from dse.dashboard.panels import PANELS
from dse.dashboard.panels.base import Options
from dse.dashboard.view import View
from tests.dashboard.panels.studies import make_search, make_survey
from tests.dashboard.panels.test_distributions import plots


def test_seeds_are_of_samples_alone_one_figure_each() -> None:
    view = View(studies=(make_survey(80), make_search(40), make_survey(60, name="b")))
    section = PANELS["seeds"].draw(view, Options())
    found = plots(section)
    assert len(found) == 2
    assert len({plot.name for plot in found}) == 2
    for plot, study, subset in zip(found, view.samples, (20, 15), strict=True):
        random = next(t for t in plot.figure.data if t.name and "at random" in t.name)
        assert random.meta["study"] == study.name
        assert f"n = {subset}<br>" in random.name
        assert "ICC" in plot.described


def test_a_study_with_one_seed_each_has_no_seed_noise() -> None:
    survey = make_survey(40)
    one = survey.population[survey.population["replicate"] == 0]
    view = View(studies=(make_survey(40, population=one),))
    assert PANELS["seeds"].draw(view, Options()) is None


def test_curves_name_their_study_and_the_networks_picked_out() -> None:
    view = View(studies=(make_survey(80), make_survey(60, name="b")))
    section = PANELS["curves"].draw(view, Options())
    assert section is not None
    assert [
        next(t.meta["study"] for t in plot.figure.data if t.meta) for plot in plots(section)
    ] == ["a", "b"]
    assert ">b</h3>" in Page().section("curves", section)
