"""The error against each parameter of a network."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from dse.analysis.factors.effects import varied_columns
from dse.dashboard import markup
from dse.dashboard.figures.error_against import error_figures
from dse.dashboard.figures.points import MOST_IN_SMALL, drawn_words
from dse.dashboard.labels import label
from dse.dashboard.panels.base import (
    Block,
    Group,
    Options,
    Plot,
    Section,
    each_study,
    with_references,
)
from dse.dashboard.panels.networks import best_of, worst_of
from dse.dashboard.view import StudyData, View

MOST_TEXTS = 24


def error_against(view: View, options: Options) -> Section | None:
    """The error against each parameter that varies, or the columns asked for."""
    blocks = each_study(view, lambda study: _parameters(study, options.columns))
    if not blocks:
        return None
    return Section(
        title="Error against each parameter",
        blocks=blocks,
        note="One point a network (green the best, red the worst); diamonds are means with 95 % "
        "t intervals, grey crosses networks without an error; an interval cut by the "
        "frame reaches beyond it. ρ is Spearman's rank correlation "
        "with its 95 % interval. Green: RegNet's empirical bootstrap, the value of the best of a "
        "quarter of the networks drawn at random, its median and middle 95 %; the few best "
        "networks decide it, and it is no confidence interval of a best value. At a fixed budget "
        "the parameters trade off against each other, so these are associations, not effects "
        "of one change.",
    )


def _parameters(study: StudyData, asked: Sequence[str]) -> list[Block]:
    first = study.networks
    varied = [column for column in asked if column in first] or varied_columns(first)
    texts = [column for column in varied if not pd.api.types.is_numeric_dtype(first[column])]
    crowded = [column for column in texts if first[column].nunique() > MOST_TEXTS]
    columns = [column for column in varied if column not in crowded]
    if not columns:
        return []
    blocks = [_grid(study, columns)]
    told = drawn_words(MOST_IN_SMALL, len(first))
    if told:
        blocks.insert(0, markup.paragraph(told))
    if crowded:
        undrawn = ", ".join(label(column).name for column in crowded)
        said = f"Not drawn, as they have more than {MOST_TEXTS} texts: {undrawn}."
        blocks.append(markup.paragraph(said))
    return blocks


def _grid(study: StudyData, columns: Sequence[str]) -> Block:
    figures = error_figures(
        study.networks, columns, study=study.name, best=best_of(study), worst=worst_of(study)
    )
    return Group(
        kind="grid",
        blocks=[
            with_references(
                Plot(
                    name=column,
                    figure=figure,
                    described=f"Held-out error against {label(column).name}, one point a network, "
                    f"n = {len(study.networks):,}.",
                ),
                study.references,
                errors="y",
            )
            for column, figure in figures.items()
        ],
    )
