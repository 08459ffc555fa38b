"""What was drawn of a space, beside its prior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from dse.analysis.factors.effects import PREFIX
from dse.dashboard.figures.brush import brushed, level_axis
from dse.dashboard.figures.levels import factor_name
from dse.dashboard.figures.space import marginal_panel
from dse.dashboard.labels import WORDS
from dse.dashboard.panels.base import Block, Group, Options, Plot, Section, each_study
from dse.dashboard.view import StudyData, View
from dse.space import DesignSpace
from dse.space.describe.marginals import MOST_CELLS, cells, marginal_of
from dse.space.describe.words import prior_text


def marginals(view: View, options: Options) -> Section | None:
    """Shares of every value among the networks of a study, or of the columns asked for."""
    blocks = each_study(view, lambda study: _of_study(study, options.columns))
    if not blocks:
        return None
    return Section(
        title="What was drawn, beside the prior",
        blocks=blocks,
        note="Bars: shares of the networks for which the value was drawn, with exact 95 % "
        "intervals. Diamonds: the prior by itself; in an order, that of the ordered values. What "
        "the space requires and which shapes can meet the budget may move networks away from it. "
        "Where there are many numbers, each bar is a group that begins at the number below it.",
    )


def _of_study(study: StudyData, asked: Sequence[str]) -> list[Block]:
    if study.space is None or study.choices is None or study.choices.empty:
        return []
    wanted = {column.removeprefix(PREFIX) for column in asked}
    plots: list[Block] = []
    for slot, prior in study.space.slots.items():
        if prior.is_fixed or slot not in study.choices or (wanted and slot not in wanted):
            continue
        row = realised(study.space, slot, study.choices[slot])
        print_ = f"n = {row['n']:,}"
        figure = marginal_panel({**row, "slot": factor_name(slot)}, print_)
        column = f"{PREFIX}{slot}"
        if column in study.networks and row["values"] is not None:
            brushed(figure, x=level_axis(column, row["values"]))
        described = f"{factor_name(slot)}: prior {prior_text(prior)}; realised in n = {row['n']}."
        plots.append(Plot(name=slot, figure=figure, described=described))
    return [Group(kind="grid", blocks=plots)] if plots else []


def realised(space: DesignSpace, slot: str, drawn: pd.Series) -> Mapping[str, Any]:
    """The `cells` of a slot's values among those drawn (NaN where it was not), and `n`.

    `values` are those of the cells, None where cells are groups of numbers.
    """
    values = [v for v in drawn.tolist() if not (isinstance(v, float) and np.isnan(v))]
    every = np.empty(len(values), dtype=object)
    every[:] = values
    marginal = marginal_of(space, slot)
    found = cells(marginal, every)
    single = marginal.support is not None and len(marginal.support) == len(found) <= MOST_CELLS
    return {
        "slot": slot,
        "n": len(values),
        "cells": [asdict(cell) | {"start": WORDS.get(cell.start, cell.start)} for cell in found],
        "values": list(marginal.support or ()) if single else None,
    }
