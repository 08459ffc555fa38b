from __future__ import annotations

import dataclasses

from dse.analysis.references import Reference
from dse.dashboard import theme
from dse.dashboard.page import Page
from dse.dashboard.panels import PANELS
from dse.dashboard.panels.base import Options
from dse.dashboard.report import render
from dse.dashboard.view import View
from tests.dashboard.conftest import make_study
from tests.population import make_population

REFERENCE = Reference(
    name="timm:swin_tiny", error=0.97, seeds=1, better=20, networks=24, flops=1, params=1
)


def with_references(*references: Reference) -> View:
    study = dataclasses.replace(make_study(make_population()), references=references)
    return View(studies=(study,))


def test_a_reference_is_a_line_in_every_figure_with_errors_and_in_its_range() -> None:
    page = Page()
    for name in (
        "edf",
        "normalised_edf",
        "best_of",
        "drawings",
        "error_against",
        "costs",
        "curves",
    ):
        section = PANELS[name].draw(with_references(REFERENCE), Options())
        assert section is not None
        page.section(name, section)
    assert len(page.figures) > 10
    for name, figure in page.figures.items():
        lines = [shape for shape in figure.layout.shapes if shape.line.color == theme.PURPLE]
        if "drawing" in name:
            assert not lines
            continue
        across = name.startswith(("plot-edf", "plot-normalised"))
        axis = figure.layout.xaxis if across else figure.layout.yaxis
        (line,) = lines
        error = line.x0 if across else line.y0
        assert error == 97
        assert axis.range[0] < error < axis.range[1]


def test_a_reference_that_failed_is_no_line_and_its_name_is_text() -> None:
    failed = dataclasses.replace(REFERENCE, error=float("inf"))
    evil = dataclasses.replace(REFERENCE, name="timm:<script>alert(1)</script>")
    page = render(with_references(failed, evil), title="t")
    assert "<script>alert(1)" not in page
    assert "swin_tiny" not in page
