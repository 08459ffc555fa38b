"""The error against one column each, categories or numbers, as small multiples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from dse.analysis.estimate import FloatArray
from dse.analysis.factors.effects import Effect, Level, column_values, effect
from dse.analysis.population import first_seeds, outcomes
from dse.dashboard import theme
from dse.dashboard.figures.common import ERROR, error_range
from dse.dashboard.labels import axis_type, label, word

HEIGHT = 250
LEFT = 48
JITTER = 0.22


def error_figures(
    population: pd.DataFrame,
    columns: Sequence[str],
    *,
    best: int | None = None,
    worst: int | None = None,
) -> dict[str, go.Figure]:
    """The error against each of `columns`: small panels on one error axis, keyed by column."""
    rows = first_seeds(population)
    limits = error_range(outcomes(rows))
    colours = ((worst, theme.WORST), (best, theme.BEST))
    picked = {index: colour for index, colour in colours if index is not None}
    return {column: error_panel(rows, column, limits, picked) for column in columns}


def error_panel(
    rows: pd.DataFrame,
    column: str,
    limits: tuple[float, float],
    picked: Mapping[int, str],
) -> go.Figure:
    """Errors of `rows` (one a network) against `column`, on the error axis `limits` [%].

    A column of few values shows each level's networks, mean, 95 % interval and n; a column of
    many shows the networks and Spearman's rho. Crosses on top are networks without an error.
    `picked` gives networks, by index, a colour of their own.
    """
    found = effect(rows, column)
    values = column_values(rows, column)
    known = values.notna().to_numpy()
    rows, values = rows[known], values[known]
    errors = ERROR.factor * outcomes(rows)
    figure = go.Figure()
    if found.levels:
        places = {str(level.value): place for place, level in enumerate(found.levels)}
        x = np.array([places[str(value)] for value in values], dtype=np.float64)
        x += _jitter(len(x))
        axis = _level_axis(found.levels)
    else:
        x = label(column).factor * values.to_numpy(dtype=np.float64)
        axis = _number_axis(column, x)
    top = limits[1] - 0.05 * (limits[1] - limits[0])
    _add_networks(figure, rows, x, errors, top, picked)
    if found.levels:
        _add_means(figure, found.levels)
    figure.update_layout(
        template=theme.LIGHT,
        height=HEIGHT,
        autosize=True,
        showlegend=False,
        dragmode=False,
        margin={"l": LEFT, "r": 10, "t": 46, "b": 40},
        xaxis=axis,
        yaxis={"range": list(limits), "ticksuffix": " %", "nticks": 6},
    )
    figure.add_annotation(
        text=_title(column, found),
        align="left",
        showarrow=False,
        **{"x": 0, "xref": "paper", "xanchor": "left", "xshift": 4 - LEFT},
        **{"y": 1, "yref": "paper", "yanchor": "bottom", "yshift": 4},
    )
    return figure


def _title(column: str, found: Effect) -> str:
    small = f"n = {found.n}"
    if found.rho:
        rho = found.rho
        small = f"ρ = {rho.value:.2f} [{rho.lower:.2f}, {rho.upper:.2f}], {small}"
    return f'<b>{label(column).axis}</b><br><span style="font-size:11px">{small}</span>'


def _level_axis(levels: tuple[Level, ...]) -> dict[str, object]:
    names = [_tick(level.value, len(levels)) for level in levels]
    crowded = len(names) > 3 and max(map(len, names)) > 6
    drop = ["<br><br>" if crowded and place % 2 else "" for place in range(len(names))]
    return {
        "tickmode": "array",
        "tickvals": list(range(len(levels))),
        "ticktext": [
            f"{down}{name}<br>n={level.n}"
            for down, name, level in zip(drop, names, levels, strict=True)
        ],
        "range": [-0.5, len(levels) - 0.5],
        "tickangle": 0,
        "tickfont": {"size": 11},
        "showgrid": False,
    }


def _number_axis(column: str, x: FloatArray) -> dict[str, object]:
    """Few round ticks, so that a small panel has room for them."""
    if axis_type(column, x) == "linear":
        return {"type": "linear", "nticks": 6}
    decades = np.arange(np.floor(np.log10(x.min())), np.ceil(np.log10(x.max())) + 1)
    ticks = [digit * 10.0**decade for decade in decades for digit in (1, 2, 5)]
    return {"type": "log", "tickmode": "array", "tickvals": ticks, "tickformat": "~g"}


def _tick(value: object, levels: int) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return word(value) if levels <= 3 else word(value).replace(" ", "<br>")


def _jitter(n: int) -> FloatArray:
    """Even, repeatable sideways spread (the golden ratio's low-discrepancy sequence)."""
    return np.asarray(JITTER * (2 * (np.arange(n) * 0.6180339887498949 % 1) - 1))


def _add_networks(
    figure: go.Figure,
    rows: pd.DataFrame,
    x: FloatArray,
    errors: FloatArray,
    top: float,
    picked: Mapping[int, str],
) -> None:
    index = rows["index"].to_numpy()
    good = np.isfinite(errors)
    mark = {"mode": "markers", "hovertemplate": "network %{customdata}: %{y:.1f} %<extra></extra>"}

    def add(chosen: NDArray[np.bool_], colour: str, size: int) -> None:
        style = {"color": colour, "size": size, "opacity": 0.9, "line": {"width": 0}}
        at = {"x": x[chosen].astype(np.float32), "y": errors[chosen].astype(np.float32)}
        figure.add_scatter(**at, marker=style, customdata=index[chosen], **mark)

    add(good & ~np.isin(index, list(picked)), theme.NETWORK, 6)
    for network, colour in picked.items():
        add(good & (index == network), colour, 9)
    figure.add_scatter(
        x=x[~good],
        y=np.full((~good).sum(), top),
        mode="markers",
        marker={"color": theme.BAD, "size": 7, "symbol": "x", "line": {"width": 0}},
        customdata=np.stack([index[~good], rows["state"].to_numpy()[~good]], axis=-1),
        hovertemplate="network %{customdata[0]}: %{customdata[1]}<extra></extra>",
    )


def _add_means(figure: go.Figure, levels: tuple[Level, ...]) -> None:
    drawn = [(place, level.mean) for place, level in enumerate(levels) if level.mean]
    mean = np.array([ERROR.factor * m.value for _, m in drawn])
    half = np.array([ERROR.factor * (m.upper - m.value) for _, m in drawn])
    figure.add_scatter(
        x=[place + 0.34 for place, _ in drawn],
        y=mean,
        error_y={
            "type": "data",
            "array": np.where(np.isfinite(half), half, 0.0),
            "thickness": 2,
            "width": 4,
        },
        mode="markers",
        marker={"color": theme.MEAN, "size": 8, "symbol": "diamond"},
        customdata=np.where(np.isfinite(half), half, np.nan),
        hovertemplate="mean %{y:.1f} ± %{customdata:.1f} %<extra></extra>",
    )
