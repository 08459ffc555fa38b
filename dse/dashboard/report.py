"""The report of a study: one HTML file that needs nothing else, now or in ten years."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from dse.analysis.references import Reference
from dse.analysis.summary import Summary
from dse.dashboard import sections
from dse.dashboard.page import assemble
from dse.files import write_whole


def write_report(
    population: pd.DataFrame,
    curves: pd.DataFrame,
    provenance: Mapping[str, Any],
    *,
    summary: Summary,
    title: str,
    path: Path,
    resolution: int | None = 224,
    references: Sequence[Reference] = (),
) -> Path:
    """Write the report of one study to `path`, whole or not at all, and return the path.

    `population` has one row a training and `curves` one row an epoch (`index`, `replicate`,
    `epoch`, `error`); `provenance` is shown as it is, nested mappings flattened;
    `resolution` [px] is the input's in the drawings, None where networks were measured elsewhere
    and cannot be drawn; `references` are drawn as lines. Raises `UserError` where the file cannot
    be written.
    """
    page = render(
        population,
        curves,
        provenance,
        summary=summary,
        title=title,
        resolution=resolution,
        references=references,
    )
    write_whole(path, page)
    return path


def render(
    population: pd.DataFrame,
    curves: pd.DataFrame,
    provenance: Mapping[str, Any],
    *,
    summary: Summary,
    title: str,
    resolution: int | None = 224,
    references: Sequence[Reference] = (),
) -> str:
    """The report's HTML. Every name in it is shown as text, and nothing is fetched."""
    page = sections.Page(references=references)
    parts = [sections.conclusion(summary)]
    if summary.networks:
        parts += [
            sections.distribution(page, population, summary),
            sections.top_networks(summary),
            sections.drawings(page, population, summary, resolution),
            sections.parameters(page, population, summary),
            sections.costs(page, population, summary, elsewhere=resolution is None),
            sections.learning_curves(page, population, curves, summary),
            sections.bad_ends(population),
        ]
    parts += [
        sections.method(summary, elsewhere=resolution is None),
        sections.provenance(provenance, elsewhere=resolution is None),
    ]
    return assemble(
        title=title,
        subtitle=f"Design-space study {summary.study}",
        parts=parts,
        figures=page.figures,
        first="conclusion",
    )
