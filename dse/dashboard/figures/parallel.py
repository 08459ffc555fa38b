"""Parallel coordinates: every network a line through all of its choices, coloured by its error.

The axes lie one below the other, so that their names and values stay readable in a narrow window:
row k is a strip from y = k to k + STRIP, which lines leave below where they have entered above.
Lines are SVG: Plotly's own parallel coordinates need WebGL and code made at run time, which the
page's content security policy refuses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dse.analysis.estimate import FloatArray
from dse.analysis.factors.effects import MAX_LEVELS, column_values
from dse.analysis.population import outcomes
from dse.dashboard import theme
from dse.dashboard.figures.common import ERROR, styled
from dse.dashboard.figures.points import drawn
from dse.dashboard.labels import Label, axis_type, label, word
from dse.space.language.narrow import text

MOST_LINES = 400
STRIP = 0.4
ROW = 88  # px
COLOURS = 12
_SPREAD = 0.38
_FEW = 60
_TICKS = 5


def parallel_figure(rows: pd.DataFrame, columns: Sequence[str]) -> go.Figure:
    """`rows` (one a network, first seeds) through `columns` and the error, from top to bottom.

    Blue lines have the least errors, orange ones the largest, grey ones none. At most 400 are
    drawn, the best last. Where values are few, the lines of each lie side by side by their errors.
    """
    shown = rows[drawn(rows, most=MOST_LINES)]
    errors = outcomes(shown)
    axes = [_axis(rows, shown, column) for column in columns] + [_error_axis(rows, shown)]
    x = np.stack([places for _, places in axes], axis=1)
    figure = go.Figure()
    study = str(rows["study"].iloc[0]) if len(rows) and "study" in rows else ""
    for colour, chosen in _coloured(errors):
        _add_lines(
            figure,
            x[chosen],
            shown["index"].to_numpy()[chosen],
            errors[chosen],
            colour,
            study,
            len(x) < _FEW,
        )
    hidden = {"visible": False, "fixedrange": True}
    styled(
        figure,
        round(16 + ROW * (len(axes) - 1 + STRIP)),
        showlegend=False,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        hovermode="closest",
        shapes=_strips(len(axes)),
        annotations=_words([axis for axis, _ in axes]),
        xaxis=hidden | {"range": [-0.02, 1.02]},
        yaxis=hidden | {"range": [len(axes) - 1 + STRIP, 0]},
        meta={"brush": {"rows": [axis["brush"] for axis, _ in axes], "strip": STRIP}},
        dragmode="select",
    )
    return figure


def _axis(
    rows: pd.DataFrame, shown: pd.DataFrame, column: str
) -> tuple[dict[str, Any], FloatArray]:
    """An axis of a column of all rows, and the places (n,) of those shown on it, from 0 to 1."""
    every = column_values(rows, column)
    distinct = [value for value in every.unique() if value == value]
    is_number = pd.api.types.is_numeric_dtype(every)
    values = every.loc[shown.index]
    if is_number and len(distinct) > MAX_LEVELS:
        return _number_axis(column, every.to_numpy(np.float64), values.to_numpy(np.float64))
    levels = sorted(distinct)
    places = {value: (k + 0.5) / len(levels) for k, value in enumerate(levels)}
    at = values.map(places).to_numpy(dtype=np.float64)
    at = at + _SPREAD / len(levels) * _side_by_side(at, outcomes(shown))
    ticks = [(places[level], f"{level:g}" if is_number else word(level)) for level in levels]
    names = [text(float(level)) if is_number else str(level) for level in levels]
    brush = {"column": column, "levels": names, "places": list(places.values())}
    return {"name": label(column).axis, "ticks": ticks, "brush": brush}, at


def _side_by_side(places: FloatArray, errors: FloatArray) -> FloatArray:
    """Where each line lies among those of its place, from -1 for the least error to 1."""
    groups = pd.Series(errors).groupby(places)
    rank, size = groups.rank(method="first").to_numpy(), groups.transform("size").to_numpy()
    return np.asarray((2 * rank - 1) / size - 1)


def _number_axis(
    column: str, every: FloatArray, values: FloatArray
) -> tuple[dict[str, Any], FloatArray]:
    known = every[np.isfinite(every)]
    low, high = float(known.min()), float(known.max())
    is_log = axis_type(column, known) == "log"
    scale = np.log if is_log else np.asarray
    start, end = (float(scale(number)) for number in (low, high))
    with np.errstate(invalid="ignore"):
        at = (scale(values) - start) / (end - start)
    shown = label(column)
    spots = np.linspace(0, 1, _TICKS)
    numbers = np.exp(start + spots * (end - start)) if is_log else low + spots * (high - low)
    ticks = [(float(s), _short(shown, v)) for s, v in zip(spots, numbers, strict=True)]
    brush = {"column": column, "from": low, "to": high, "log": is_log}
    return {"name": shown.axis, "ticks": ticks, "brush": brush}, np.asarray(at)


def _error_axis(rows: pd.DataFrame, shown: pd.DataFrame) -> tuple[dict[str, Any], FloatArray]:
    every, values = outcomes(rows), outcomes(shown)
    every = every[np.isfinite(every)]
    if not every.size or not np.ptp(every) > 0:
        every = np.array([0.0, 1.0])
    axis, at = _number_axis("error", every, np.where(np.isfinite(values), values, np.nan))
    return axis, at


def _short(shown: Label, value: float) -> str:
    number = shown.factor * value
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def _coloured(errors: FloatArray) -> list[tuple[str, Any]]:
    """Which lines have which colour, those to be drawn last at the end."""
    good = np.isfinite(errors)
    found: list[tuple[str, Any]] = [(theme.fade(theme.BAD, 0.6), ~good)] if (~good).any() else []
    if good.any():
        low, high = errors[good].min(), errors[good].max()
        share = (np.where(good, errors, high) - low) / max(high - low, 1e-12)
        step = np.minimum((share * COLOURS).astype(int), COLOURS - 1)
        for k in reversed(range(COLOURS)):
            if (here := good & (step == k)).any():
                found.append((theme.error_colour((k + 0.5) / COLOURS), here))
    return found


def _add_lines(
    figure: go.Figure,
    x: FloatArray,
    index: Any,
    errors: FloatArray,
    colour: str,
    study: str,
    few: bool,
) -> None:
    """One trace of all lines of a colour; `customdata` is the network of each point."""
    n, k = x.shape
    y = np.stack([np.arange(k), np.arange(k) + STRIP], axis=1).ravel()[1:-1]
    down = np.repeat(x, 2, axis=1)[:, 1:-1].reshape(n, k - 1, 2)
    # A gap follows each piece, so that no line crosses the strips.
    pieces = np.full((n, k - 1, 3), np.nan)
    pieces[:, :, :2] = down
    figure.add_scatter(
        x=pieces.ravel().astype(np.float32),
        y=np.tile(np.insert(y.astype(np.float32), range(2, len(y) + 1, 2), np.nan), n),
        mode="lines",
        line={"color": colour, "width": 1.3},
        opacity=0.95 if few else 0.6,
        customdata=np.repeat(index, 3 * (k - 1)),
        text=np.repeat([_error_text(error) for error in errors], 3 * (k - 1)),
        hovertemplate="network %{customdata}: error %{text}<extra></extra>",
        meta={"role": "lines", "study": study},
    )


def _error_text(error: float) -> str:
    return f"{ERROR.factor * error:.1f} %" if np.isfinite(error) else "none"


def _strips(count: int) -> list[dict[str, Any]]:
    ground = {"fillcolor": "rgba(138,143,152,0.12)", "line": {"width": 0}, "layer": "below"}
    sides = {"type": "rect", "xref": "paper", "x0": 0, "x1": 1}
    return [ground | sides | {"y0": row, "y1": row + STRIP} for row in range(count)]


def _words(axes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The name of every axis in the upper half of its strip, and its ticks in the lower."""
    found = []
    for row, axis in enumerate(axes):
        name = {"text": f"<b>{axis['name']}</b>", "x": 0, "xref": "paper", "y": row}
        found.append(name | {"xanchor": "left", "yanchor": "top", "font": {"size": 12}})
        for place, words in axis["ticks"]:
            end = "left" if place < 0.01 else "right" if place > 0.99 else "center"
            tick = {"text": words, "x": place, "y": row + STRIP, "font": {"size": 11}}
            found.append(tick | {"xanchor": end, "yanchor": "bottom"})
    return [each | {"showarrow": False, "borderpad": 2} for each in found]
