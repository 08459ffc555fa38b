from __future__ import annotations

import dataclasses

from dse.analysis.references import Reference
from dse.analysis.summary import summarise
from dse.dashboard import sections
from dse.dashboard.report import render
from tests.dashboard.conftest import PROVENANCE
from tests.population import RANDOM_SUBSET, make_curves, make_population

REFERENCE = Reference(
    name="timm:swin_tiny", error=0.97, seeds=1, better=20, networks=24, flops=1, params=1
)


def test_a_reference_is_a_line_in_every_figure_with_errors_and_in_its_range() -> None:
    population = make_population()
    summary = summarise(population, random_subset=RANDOM_SUBSET, embedded=True)
    page = sections.Page(references=(REFERENCE,))
    sections.distribution(page, population, summary)
    sections.drawings(page, population, summary, 224)
    sections.parameters(page, population, summary)
    sections.costs(page, population, summary)
    sections.learning_curves(page, population, make_curves(population), summary)
    assert len(page.figures) > 10
    for name, figure in page.figures.items():
        lines = [shape for shape in figure.layout.shapes if shape.line.dash]
        if "drawing" in name:
            assert not lines
            continue
        axis = figure.layout.xaxis if name == "plot-edf" else figure.layout.yaxis
        (line,) = lines
        error = line.x0 if name == "plot-edf" else line.y0
        assert error == 97
        assert axis.range[0] < error < axis.range[1]


def test_a_reference_that_failed_is_no_line_and_its_name_is_text() -> None:
    population = make_population()
    summary = summarise(population, random_subset=RANDOM_SUBSET, embedded=True)
    failed = dataclasses.replace(REFERENCE, error=float("inf"))
    evil = dataclasses.replace(REFERENCE, name="timm:<script>alert(1)</script>")
    page = render(
        population,
        make_curves(population),
        PROVENANCE,
        summary=summary,
        title="t",
        references=(failed, evil),
    )
    assert "<script>alert(1)" not in page
    assert "swin_tiny" not in page
