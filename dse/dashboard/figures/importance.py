"""How much each parameter matters: bars with whiskers, other measures as marks."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import plotly.graph_objects as go

from dse.analysis.factors.importance import Importance
from dse.dashboard import theme
from dse.dashboard.figures.common import styled
from dse.dashboard.figures.levels import factor_name, level_ticks
from dse.dashboard.figures.rows import whiskers

ROW = 26  # px


def importance_figure(found: Sequence[Importance], shown: Collection[str]) -> go.Figure:
    """Shares of the order with intervals, the first on top; diamonds are PED-ANOVA, crosses fANOVA.

    The bars of parameters that are `shown` to matter are filled, those of others pale.
    """
    figure = go.Figure()
    rows = range(len(found))
    for words, chosen, colour in (
        ("shown to matter", True, theme.fade(theme.NETWORK, 0.6)),
        ("not shown to matter", False, theme.fade(theme.NETWORK, 0.15)),
    ):
        here = [
            (row, each)
            for row, each in zip(rows, found, strict=True)
            if (each.name in shown) is chosen and each.variance_share
        ]
        if here:
            _add_bars(figure, here, f"share of the order, {words}", colour)
    _add_marks(figure, rows, [each.ped_anova for each in found], "PED-ANOVA", "diamond")
    if any(each.fanova is not None for each in found):
        _add_marks(figure, rows, [each.fanova for each in found], "fANOVA", "x-thin-open")
    n = found[0].n if found else 0
    return styled(
        figure,
        110 + ROW * len(found),
        barmode="overlay",
        bargap=0.35,
        xaxis={"title": {"text": f"Share, n = {n:,}"}, "ticksuffix": " %", "rangemode": "tozero"},
        yaxis=level_ticks(
            [factor_name(each.name) for each in found], range=[len(found) - 0.4, -0.6]
        ),
        legend={"orientation": "h", "yref": "paper", "y": 1, "yanchor": "bottom", "x": 0},
    )


def _add_bars(
    figure: go.Figure, here: Sequence[tuple[int, Importance]], name: str, colour: str
) -> None:
    shares = [each.variance_share for _, each in here if each.variance_share]
    value, low, high = 100 * np.array([[s.value, s.lower, s.upper] for s in shares]).T
    figure.add_bar(
        orientation="h",
        y=[row for row, _ in here],
        x=value,
        marker={"color": colour, "line": {"color": theme.NETWORK, "width": 1}},
        error_x=whiskers(value, low, high, theme.NETWORK),
        name=name,
        customdata=np.stack([low, high], axis=-1),
        hovertemplate="%{x:.1f} % [%{customdata[0]:.1f}, %{customdata[1]:.1f}]<extra></extra>",
    )


def _add_marks(
    figure: go.Figure, rows: Sequence[int], values: Sequence[float | None], name: str, symbol: str
) -> None:
    colour = theme.ORANGE if symbol == "diamond" else theme.VERMILLION
    figure.add_scatter(
        x=[None if value is None else 100 * value for value in values],
        y=list(rows),
        mode="markers",
        marker={
            "symbol": symbol,
            "size": 9,
            "color": colour,
            "line": {"width": 2, "color": colour},
        },
        name=name,
        hovertemplate=f"{name} %{{x:.1f}} % of its sum<extra></extra>",
    )
