"""All choices of every network at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from dse.analysis.factors.effects import PREFIX, varied_columns
from dse.analysis.factors.importance import importances
from dse.dashboard import markup
from dse.dashboard.figures.parallel import MOST_LINES, parallel_figure
from dse.dashboard.figures.points import drawn_words
from dse.dashboard.panels.base import Block, Options, Plot, Section, each_study
from dse.dashboard.view import StudyData, View

MOST_AXES: Final = 12


def parallel(view: View, options: Options) -> Section | None:
    """A line a network through the columns asked for, or the parameters that matter most."""
    blocks = each_study(view, lambda study: _of_study(study, options.columns))
    if not blocks:
        return None
    return Section(
        title="Every choice of every network",
        blocks=blocks,
        note="One line a network, from its choices down to its error: blue the least errors, "
        "orange the largest, grey none. Lines that share a value lie side by side by their errors.",
    )


def _of_study(study: StudyData, asked: Sequence[str]) -> list[Block]:
    rows = study.networks
    if rows.empty:
        return []
    varied = varied_columns(rows)
    wanted = [column for column in asked if column in rows]
    columns = wanted or [column for column in varied if rows[column].notna().any()]
    kept = columns if wanted else _most_important(study, columns)
    if not kept:
        return []
    figure = parallel_figure(rows, kept)
    described = f"Lines of {len(rows)} networks through {len(kept)} choices and their error."
    said = [drawn_words(min(MOST_LINES, len(rows)), len(rows))]
    if len(kept) < len(columns):
        said.append(f"The {len(kept)} of {len(columns)} parameters that matter most.")
    told = " ".join(words for words in said if words)
    plot = Plot(name="", figure=figure, described=described)
    return [plot, markup.paragraph(told)] if told else [plot]


def _most_important(study: StudyData, columns: Sequence[str]) -> list[str]:
    if len(columns) <= MOST_AXES:
        return list(columns)
    ranked = [f"{PREFIX}{row.name}" for row in importances(study.levels)]
    best = {name: place for place, name in enumerate(ranked)}
    chosen = sorted(columns, key=lambda column: best.get(column, len(best)))[:MOST_AXES]
    return [column for column in columns if column in chosen]
