"""What a panel is: a named part of a page that is made of studies alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dse.analysis.references import Reference
from dse.dashboard import markup
from dse.dashboard.figures.common import Look
from dse.dashboard.lines import draw_reference, reference_label
from dse.dashboard.view import StudyData, View


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a dashboard's file may say of a panel; a panel ignores what does not concern it.

    Attributes:
        columns: what it shows, of the population's columns; empty for its own choice.
    """

    columns: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A figure and its words for those who cannot see it.

    `name` is unique among the figures that a panel draws of one study, and empty for the only one.
    """

    name: str
    figure: go.Figure
    described: str


@dataclass(frozen=True, kw_only=True)
class Group:
    """Blocks in a box: small multiples in a `grid`, a `pair`, or one above the other."""

    kind: Literal["grid", "pair", ""]
    blocks: Sequence[Block]


Block = Plot | Group | str
"""A figure, several side by side, or HTML made by `dse.dashboard.markup`."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """What a panel shows; `note` says how to read it, `kind` is its style."""

    title: str
    blocks: Sequence[Block]
    note: str = ""
    kind: str = ""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A part of a page, by the name that dashboards call it.

    Attributes:
        name: of lower-case words joined by `_`.
        about: one line for the list of panels.
        draw: makes it, or None where there is nothing to show.
    """

    name: str
    about: str
    draw: Callable[[View, Options], Section | None] = field(repr=False)


def each_study(
    view: View, draw: Callable[[StudyData], Sequence[Block]], *, samples: bool = True
) -> list[Block]:
    """The blocks of one study after the other, with the study's name above where there are several.

    Args:
        samples: only of those that statistics of a population may be made of.
    """
    blocks: list[Block] = []
    for number, study in enumerate(view.studies):
        drawn = draw(study) if study.is_sample or not samples else []
        if drawn and len(view.studies) > 1:
            blocks.append(markup.subheading(heading(study)))
        blocks += [_numbered(block, number) for block in drawn]
    return blocks


def heading(study: StudyData) -> str:
    """The study's name, and what it is where its networks are no sample."""
    return study.name if study.is_sample else f"{study.name} ({study.kind}, no sample)"


def looks(view: View, studies: Sequence[StudyData]) -> tuple[Look, ...]:
    """How figures tell these studies apart."""
    return tuple(
        Look(
            study=study.name,
            colour=view.colour(study),
            is_sample=study.is_sample,
            kind=study.kind,
        )
        for study in studies
    )


def pooled(studies: Sequence[StudyData], *columns: str) -> pd.DataFrame:
    """The networks of several studies, one row each: outcome, `columns`, and `study` by its name.

    A column that a study lacks is missing for its networks.
    """
    needed = ("index", "replicate", "state", "error", "classes", *columns)
    parts = [
        study.networks[[name for name in needed if name in study.networks]].assign(study=study.name)
        for study in studies
    ]
    return pd.concat(parts, ignore_index=True)


def _numbered(block: Block, study: int) -> Block:
    """The block with names that no other study's blocks have."""
    if isinstance(block, Group):
        return replace(block, blocks=[_numbered(part, study) for part in block.blocks])
    if isinstance(block, Plot) and study:
        return replace(block, name=f"{block.name}-of-{study + 1}")
    return block


def with_references(
    plot: Plot, references: Sequence[Reference], *, errors: Literal["x", "y"]
) -> Plot:
    """The plot with a line for each reference; `errors` is the axis that shows errors."""
    drawn = [reference for reference in references if np.isfinite(reference.error)]
    if not drawn:
        return plot
    for number, reference in enumerate(drawn):
        draw_reference(plot.figure, reference, number, axis=errors)
    words = "; ".join(map(reference_label, drawn))
    return replace(plot, described=f"{plot.described} Dashed lines: {words}.")
