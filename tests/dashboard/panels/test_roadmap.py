from __future__ import annotations

import dataclasses

from dse.dashboard.panels.base import Options
from dse.dashboard.panels.roadmap import order, roadmap
from dse.dashboard.view import View
from tests.dashboard.panels.test_factors import plots
from tests.dashboard.test_steps import study_of
from tests.roadmaps import as_printed, every_set


def draw(panel, *studies):
    return panel(View(studies=studies), Options())


def test_measured_and_printed_numbers_stand_side_by_side():
    section = draw(roadmap, study_of(as_printed()))
    measured, printed = plots(section.blocks)
    assert (measured.name, printed.name) == ("measured", "printed")
    assert "separate downsampling = ConvNeXt 18.0 %" in printed.described
    assert "with 16 degrees of freedom" in section.blocks[-1]
    assert "2; whiskers" in section.blocks[-1]


def test_at_equal_cost_the_page_says_so():
    section = draw(roadmap, study_of(every_set()))
    assert "equal cost, widths solved for" in section.blocks[0].blocks[0].blocks[0]


def test_other_studies_have_no_roadmap(population):
    from tests.dashboard.conftest import make_study

    assert draw(roadmap, make_study(population)) is None
    assert draw(order, make_study(population)) is None


def test_the_order_is_told_where_every_set_was_trained():
    section = draw(order, study_of(every_set()))
    (plot,) = plots(section.blocks)
    assert "stage ratio -1.00 points; depthwise conv +2.00 points" in plot.described
    assert "due to the order" in section.blocks[1]


def test_otherwise_it_says_how_many_are_missing():
    section = draw(order, study_of(as_printed()))
    assert plots(section.blocks) == []
    assert "14 of 6,144 possible sets of 13 steps are trained" in section.blocks[0]


def test_two_walks_have_figures_with_names_of_their_own():
    first, second = study_of(as_printed()), study_of(every_set())
    names = [
        p.name for p in plots(draw(roadmap, first, dataclasses.replace(second, name="b")).blocks)
    ]
    assert len(set(names)) == 4
