"""The error against one column each, categories or numbers, as small multiples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from dse.analysis.estimate import FloatArray
from dse.analysis.factors.effects import Effect, Level, column_values, effect
from dse.analysis.factors.good_values import best_weights, draws_of, good_values_of
from dse.analysis.factors.levels import factor_of
from dse.analysis.population import first_seeds, outcomes
from dse.dashboard import theme
from dse.dashboard.figures.brush import brushing, level_axis, number_axis, role
from dse.dashboard.figures.common import ERROR, SMALL, error_range, number_axis_of
from dse.dashboard.figures.points import MOST_IN_SMALL, drawn
from dse.dashboard.labels import axis_type, label, word

HEIGHT = 262
LEFT = 48
TOP = 60
ROOM, DIGIT = 190, 6.3  # pixels of a narrow panel, and of a small digit
CROWD = 200
"""So many points are drawn fainter."""
JITTER = 0.22


@dataclass(frozen=True, kw_only=True)
class Good:
    """Where the best of a quarter of the networks has a number: its 2.5, 50 and 97.5 percentiles.

    RegNet's empirical bootstrap, see `dse.analysis.factors.good_values`; in stored units.
    """

    low: float
    middle: float
    high: float


def error_figures(
    population: pd.DataFrame,
    columns: Sequence[str],
    *,
    study: str = "",
    best: int | None = None,
    worst: int | None = None,
    most: int = MOST_IN_SMALL,
) -> dict[str, go.Figure]:
    """The error against each of `columns`: small panels on one error axis, keyed by column.

    `study` is what the page calls it; of many networks `most` are drawn.
    """
    rows = first_seeds(population)
    result = outcomes(rows)
    limits = error_range(result)
    colours = ((worst, theme.WORST), (best, theme.BEST))
    picked = {index: colour for index, colour in colours if index is not None}
    weights = best_weights(result, draws_of(len(result))) if len(result) else result
    shown = drawn(rows, always=picked, most=most)
    return {
        column: error_panel(
            rows,
            column,
            limits,
            picked,
            weights=weights,
            shown=shown,
            study=study,
        )
        for column in columns
    }


def good_range(values: pd.Series, result: FloatArray, weights: FloatArray) -> Good | None:
    """Where the best of a quarter of the networks have `values`; None of categories.

    `weights` are those of all outcomes `result`, see `best_weights`.
    """
    if not pd.api.types.is_numeric_dtype(values):
        return None
    factor = factor_of(values, str(values.name))
    if factor.numbers is None or not np.isfinite(factor.numbers).any():
        return None
    percentiles = good_values_of(factor, result, weights=weights).percentiles
    if percentiles is None:
        return None
    low, middle, high = percentiles
    return Good(low=low, middle=middle, high=high)


def error_panel(
    rows: pd.DataFrame,
    column: str,
    limits: tuple[float, float],
    picked: Mapping[int, str],
    *,
    weights: FloatArray | None = None,
    shown: NDArray[np.bool_] | None = None,
    study: str = "",
) -> go.Figure:
    """Errors of `rows` (one a network) against `column`, on the error axis `limits` [%].

    A column of few values shows each level's networks, mean, 95 % interval and n; a column of
    many shows the networks and Spearman's rho. Crosses on top are networks without an error.
    `picked` gives networks, by index, a colour of their own. With the `weights` of `best_weights`
    the range of good values is shaded. Of the networks those that are `shown` are drawn, all by
    default.
    """
    rows = rows[["index", "state", "error", column]]
    found = effect(rows, column)
    values = column_values(rows, column)
    good = None if weights is None else good_range(values, outcomes(rows), weights)
    known = values.notna().to_numpy()
    visible = known if shown is None else known & shown
    points, at = rows[visible], values[visible]
    if found.levels:
        places = {str(level.value): place for place, level in enumerate(found.levels)}
        x = np.array([places[str(value)] for value in at], dtype=np.float64)
        x += _jitter(len(x))
        axis = _level_axis(found.levels)
        brush = level_axis(column, [level.value for level in found.levels])
    else:
        x = label(column).factor * at.to_numpy(dtype=np.float64)
        every = label(column).factor * values[known].to_numpy(dtype=np.float64)
        axis = number_axis_of(axis_type(column, every), every)
        brush = number_axis(column)
    traces = _networks(points, x, limits, picked, study)
    layout = {
        "template": theme.LIGHT,
        "height": HEIGHT,
        "autosize": True,
        "showlegend": False,
        "margin": {"l": LEFT, "r": 10, "t": TOP, "b": 40},
        "xaxis": axis,
        "yaxis": {"range": list(limits), "ticksuffix": " %", "nticks": 6},
        "shapes": _good_shapes(good, column, found.levels) if good else [],
        "annotations": [_title(column, found, good)],
        **brushing(x=brush, y=number_axis("error")),
    }
    # In one go: a figure that is built step by step takes twice the time, and there are many.
    return go.Figure(data=traces + ([_means(found.levels)] if found.levels else []), layout=layout)


def _title(column: str, found: Effect, good: Good | None) -> dict[str, object]:
    small = f"n = {found.n:,}"
    if found.rho:
        rho = found.rho
        small = f"ρ = {rho.value:.2f} [{rho.lower:.2f}, {rho.upper:.2f}], {small}"
    if good:
        low, middle, high = (_short(column, end) for end in (good.low, good.middle, good.high))
        small += f"<br>best of a quarter: {middle} [{low}, {high}]"
    return {
        "text": f'<b>{label(column).axis}</b><br><span style="font-size:{SMALL}px">{small}</span>',
        "align": "left",
        "showarrow": False,
        **{"x": 0, "xref": "paper", "xanchor": "left", "xshift": 4 - LEFT},
        **{"y": 1, "yref": "paper", "yanchor": "bottom", "yshift": 4},
    }


def _short(column: str, value: float) -> str:
    return f"{label(column).factor * value:.4g}"


def _good_shapes(good: Good, column: str, levels: tuple[Level, ...]) -> list[dict[str, object]]:
    """The shaded range, and a line at its middle."""
    low, middle, high = good.low, good.middle, good.high
    if levels:
        places = {float(str(level.value)): place for place, level in enumerate(levels)}
        x0, at, x1 = places[low] - 0.5, float(places[middle]), places[high] + 0.5
    else:
        x0, at, x1 = (label(column).factor * end for end in (low, middle, high))
    tall = {"yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
    band = {"fillcolor": theme.fade(theme.BEST, theme.BAND), "line": {"width": 0}}
    line = {"line": {"color": theme.BEST, "width": 1.5, "dash": "dot"}}
    return [
        {"type": "rect", "x0": x0, "x1": x1, **band, **tall},
        {"type": "line", "x0": at, "x1": at, **line, **tall},
    ]


def _level_axis(levels: tuple[Level, ...]) -> dict[str, object]:
    names = [_tick(level.value, len(levels)) for level in levels]
    wide = max(len(f"n={level.n}") for level in levels) * DIGIT + 6
    crowded = wide > ROOM / len(names) or (len(names) > 3 and max(map(len, names)) > 6)
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


def _tick(value: object, levels: int) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return word(value) if levels <= 3 else word(value).replace(" ", "<br>")


def _jitter(n: int) -> FloatArray:
    """Even, repeatable sideways spread (the golden ratio's low-discrepancy sequence)."""
    return np.asarray(JITTER * (2 * (np.arange(n) * 0.6180339887498949 % 1) - 1))


def _networks(
    rows: pd.DataFrame,
    x: FloatArray,
    limits: tuple[float, float],
    picked: Mapping[int, str],
    study: str,
) -> list[go.Scatter]:
    """The points of networks, those of the picked ones, and crosses for those without an error."""
    index, state = rows["index"].to_numpy(), rows["state"].to_numpy()
    errors = ERROR.factor * outcomes(rows)
    top = limits[1] - 0.05 * (limits[1] - limits[0])
    good = np.isfinite(errors)
    common = {"mode": "markers", "meta": role("networks", study)}

    def points(chosen: NDArray[np.bool_], colour: str, size: int) -> go.Scatter:
        faint = 0.6 if chosen.sum() > CROWD else 0.9
        return go.Scatter(
            x=x[chosen].astype(np.float32),
            y=errors[chosen].astype(np.float32),
            marker={"color": colour, "size": size, "opacity": faint, "line": {"width": 0}},
            customdata=index[chosen],
            hovertemplate="network %{customdata}: %{y:.1f} %<extra></extra>",
            **common,
        )

    crosses = go.Scatter(
        x=x[~good].astype(np.float32),
        y=np.full((~good).sum(), top),
        marker={"color": theme.BAD, "size": 7, "symbol": "x", "line": {"width": 0}},
        customdata=index[~good],
        text=[str(name).replace("_", " ") for name in state[~good]],
        hovertemplate="network %{customdata}: %{text}<extra></extra>",
        **common,
    )
    some = [points(good & (index == network), colour, 9) for network, colour in picked.items()]
    return [points(good & ~np.isin(index, list(picked)), theme.NETWORK, 6), *some, crosses]


def _means(levels: tuple[Level, ...]) -> go.Scatter:
    drawn = [(place, level.mean) for place, level in enumerate(levels) if level.mean]
    mean = np.array([ERROR.factor * m.value for _, m in drawn])
    half = np.array([ERROR.factor * (m.upper - m.value) for _, m in drawn])
    return go.Scatter(
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
