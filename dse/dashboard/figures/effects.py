"""What each value of each parameter does: one dot with a whisker for every level."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dse.analysis.estimate import Estimate
from dse.analysis.factors.contrasts import FactorEffect, LevelEffect
from dse.analysis.factors.levels import Factor
from dse.dashboard import theme
from dse.dashboard.figures.common import ERROR, styled
from dse.dashboard.figures.levels import bands, factor_name, level_words
from dse.dashboard.figures.rows import whiskers

ROW = 19  # px
_HEAD = 1.1  # rows


@dataclass(frozen=True)
class _Row:
    y: float
    name: str
    level: LevelEffect


def means_figure(
    effects: Sequence[FactorEffect], factors: Sequence[Factor], overall: float
) -> go.Figure:
    """The mean error at every level, with its interval; dashed is that of all networks.

    A training that ended badly counts as guessing. `overall` is an error [fraction].
    """
    return _whiskers(
        effects,
        factors,
        lambda level: level.mean,
        middle=ERROR.factor * overall,
        title="Mean error",
        suffix=" %",
    )


def ratios_figure(effects: Sequence[FactorEffect], factors: Sequence[Factor]) -> go.Figure:
    """Errors relative to the parameter's other levels.

    All other parameters are held where the networks are enough for that, see `is_held`.
    """
    held = is_held(effects)
    return _whiskers(
        effects,
        factors,
        lambda level: level.held if held else level.as_sampled,
        middle=0.0,
        title=f"Error against other values, {'others held' if held else 'as sampled'}",
        suffix=" %",
    )


def is_held(effects: Sequence[FactorEffect]) -> bool:
    """Whether any level can be compared with all other parameters held."""
    return any(level.held for effect in effects for level in effect.levels)


def _whiskers(
    effects: Sequence[FactorEffect],
    factors: Sequence[Factor],
    value: Callable[[LevelEffect], Estimate | None],
    *,
    middle: float,
    title: str,
    suffix: str,
) -> go.Figure:
    figure = go.Figure()
    rows, starts, ends = _rows(effects, factors)
    known = [(row, found) for row in rows if (found := value(row.level)) is not None]
    numbers = 100 * np.array([[f.value, f.lower, f.upper] for _, f in known]).reshape(-1, 3).T
    _add_dots(figure, [row for row, _ in known], numbers, middle)
    height = ends[-1] if ends else 1.0
    return styled(
        figure,
        round(64 + ROW * height),
        showlegend=False,
        shapes=[*bands(starts, ends), _middle_line(middle)],
        annotations=[_head(e, start) for e, start in zip(effects, starts, strict=True)],
        margin={"l": 20, "r": 16, "t": 8, "b": 56},
        xaxis={"title": {"text": title}, "ticksuffix": suffix, "range": _range(numbers, middle)},
        yaxis={
            "tickmode": "array",
            "tickvals": [row.y for row in rows],
            "ticktext": [row.name for row in rows],
            "tickfont": {"size": 11},
            "range": [height, 0],
            "showgrid": False,
            "ticks": "",
        },
    )


def _rows(
    effects: Sequence[FactorEffect], factors: Sequence[Factor]
) -> tuple[list[_Row], list[float], list[float]]:
    by_name = {factor.name: factor for factor in factors}
    rows, starts, ends, y = [], [], [], 0.0
    for effect in effects:
        starts.append(y)
        y += _HEAD
        words = level_words(by_name[effect.name])
        for name, level in zip(words, effect.levels, strict=True):
            if level.n:
                rows.append(_Row(y + 0.5, name, level))
                y += 1
        y += 0.3
        ends.append(y)
    return rows, starts, ends


def _head(effect: FactorEffect, start: float) -> dict[str, Any]:
    return {
        "text": f"<b>{factor_name(effect.name)}</b>",
        "y": start + _HEAD / 2 + 0.1,
        "showarrow": False,
        "font": {"size": 12},
        **{"x": 0, "xref": "paper", "xanchor": "left", "xshift": 4},
    }


def _middle_line(x: float) -> dict[str, Any]:
    line = {"color": theme.GREY, "width": 1.3, "dash": "dash"}
    return {"type": "line", "yref": "paper", "x0": x, "x1": x, "y0": 0, "y1": 1, "line": line}


def _add_dots(figure: go.Figure, rows: Sequence[_Row], numbers: np.ndarray, middle: float) -> None:
    value, low, high = numbers
    cut = [np.where(np.isfinite(part), part, value) for part in (low, high)]
    edge = {"width": 1.6, "color": theme.NETWORK}
    apart = (low > middle) | (high < middle)
    for chosen, symbol in ((apart, "circle"), (~apart, "circle-open")):
        where = np.flatnonzero(chosen).tolist()
        figure.add_scatter(
            x=value[where],
            y=[rows[k].y for k in where],
            mode="markers",
            marker={"symbol": symbol, "size": 8, "color": theme.NETWORK, "line": edge},
            error_x=whiskers(value[where], cut[0][where], cut[1][where], theme.NETWORK),
            customdata=[
                f"{rows[k].name}: {value[k]:.1f} % [{low[k]:.1f}, {high[k]:.1f}], "
                f"n = {rows[k].level.n:,}, {rows[k].level.bad:,} ended badly"
                for k in where
            ],
            hovertemplate="%{customdata}<extra></extra>",
        )


def _range(numbers: np.ndarray, middle: float) -> list[float]:
    """Around all values and the bounds near them, so that one wide interval does not rule."""
    value, low, high = numbers
    spread = max(float(np.ptp(np.append(value, middle))), 1e-3)
    ends = np.concatenate([value, [middle]])
    bounds = np.concatenate([low, high])
    near = bounds[
        np.isfinite(bounds) & (bounds > ends.min() - spread) & (bounds < ends.max() + spread)
    ]
    least, most = min([*near, *ends]), max([*near, *ends])
    pad = 0.05 * (most - least)
    return [least - pad, most + pad]
