"""The error against what a network costs, with the Pareto front of what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from dse.analysis.estimate import FloatArray
from dse.analysis.factors.effects import spearman
from dse.analysis.pareto import pareto_front
from dse.analysis.population import outcomes
from dse.dashboard import theme
from dse.dashboard.figures.brush import brushed, number_axis, role
from dse.dashboard.figures.common import (
    ERROR,
    LEGEND,
    SMALL,
    Look,
    by_study,
    error_axis,
    error_range,
    number_axis_of,
    styled,
)
from dse.dashboard.figures.points import MOST_IN_SMALL, drawn, equal_share
from dse.dashboard.labels import Label, axis_type, label

HEIGHT: Final = 330
LEGEND_HEIGHT: Final = 55
"""Pixels of each study."""
CROWD: Final = 200
"""So many points are drawn fainter."""
Better = Literal["less", "more"]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class _Frame:
    """What all studies of a figure share: the column's label, which numbers are better, the ends

    of both axes in shown units.
    """

    what: Label
    better: Better | None
    x: tuple[float, float]
    y: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class _Cloud:
    """One study's networks (n,) in shown units; errors are infinite where there is none."""

    look: Look
    index: NDArray[np.int64]
    x: FloatArray
    errors: FloatArray
    state: NDArray[np.object_]
    less: FloatArray
    more: FloatArray
    front: Mask
    shown: Mask

    @property
    def bad(self) -> Mask:
        return np.isinf(self.errors)

    @property
    def common(self) -> dict[str, Any]:
        meta = role("networks", self.look.study)
        return {"mode": "markers", "meta": meta, "legendgroup": self.look.study}


def front_figure(
    rows: pd.DataFrame,
    column: str,
    looks: Sequence[Look] = (),
    *,
    better: Better | None = "less",
    conditions: str = "",
    in_table: bool = True,
    most: int = MOST_IN_SMALL,
) -> go.Figure:
    """Errors of `rows` (one a network and study) against `column`, and each study's front.

    The front holds the networks that no other one of the study beats in both; the step is what they
    reach. Crosses on top are networks without an error. Spreads are drawn where the columns
    `COLUMN.low` and `COLUMN.high` are there.

    Args:
        better: which numbers of the column are; None where neither is, and there is no front.
        conditions: under which the column was measured, in lines joined by `<br>`.
        in_table: whether the column is one of the networks' table, so that a box selects by it.
        most: so many networks are drawn, of all studies together.
    """
    rows = rows[rows[column].notna()]
    parts = by_study(rows, looks)
    x = label(column).factor * rows[column].to_numpy(dtype=np.float64)
    kind = axis_type(column, x)
    ends = _ends(x, kind)
    frame = _Frame(what=label(column), better=better, x=ends, y=error_range(outcomes(rows)))
    figure = go.Figure()
    share = equal_share([len(part) for _, part in parts], most)
    for look, part in parts:
        cloud = _cloud(look, part, column, better, share)
        _add_networks(figure, cloud, frame)
        _add_bad(figure, cloud, frame)
        if cloud.front.any():
            _add_front(figure, cloud, frame)
    small = f'<br><span style="font-size:{SMALL}px">{conditions}</span>' if conditions else ""
    reach = list(np.log10(ends)) if kind == "log" else list(ends)
    styled(
        figure,
        HEIGHT + LEGEND_HEIGHT * len(parts),
        xaxis=number_axis_of(kind, x)
        | {"title": {"text": frame.what.axis + small}, "range": reach},
        yaxis=error_axis(frame.y),
        legend=LEGEND,
        hovermode="closest",
    )
    y = number_axis("error")
    return brushed(figure, x=number_axis(column), y=y) if in_table else brushed(figure, y=y)


def _ends(x: FloatArray, kind: str) -> tuple[float, float]:
    """The ends of the axis, with a little room beyond the least and the greatest number."""
    if not x.size:
        return 0.0, 1.0
    low, high = float(x.min()), float(x.max())
    if kind == "log":
        pad = (high / low) ** 0.05
        return low / pad, high * pad
    pad = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return low - pad, high + pad


def _cloud(look: Look, rows: pd.DataFrame, column: str, better: Better | None, most: int) -> _Cloud:
    def numbers(name: str) -> FloatArray:
        found = rows[name].to_numpy(dtype=np.float64) if name in rows else np.nan
        return label(column).factor * np.broadcast_to(found, len(rows))

    errors, x = ERROR.factor * outcomes(rows), numbers(column)
    known = np.isfinite(errors)
    front = np.zeros(len(rows), dtype=np.bool_)
    if better is not None:
        cost = x if better == "less" else -x
        front[known] = pareto_front(np.column_stack([cost, errors])[known])
    index = rows["index"].to_numpy(dtype=np.int64)
    return _Cloud(
        look=look,
        index=index,
        x=x,
        errors=errors,
        state=rows["state"].to_numpy(dtype=np.object_),
        less=x - numbers(f"{column}.low"),
        more=numbers(f"{column}.high") - x,
        front=front,
        shown=drawn(rows, always=index[front].tolist(), most=most),
    )


def _add_networks(figure: go.Figure, cloud: _Cloud, frame: _Frame) -> None:
    plain = cloud.shown & ~cloud.bad & ~cloud.front
    faint = 0.6 if plain.sum() > CROWD else 0.8
    _add_points(
        figure,
        cloud,
        frame,
        plain,
        {"size": 6, "opacity": faint},
        name=_words(cloud),
    )


def _add_front(figure: go.Figure, cloud: _Cloud, frame: _Frame) -> None:
    """The front's networks, and the step that they reach from one end of the frame to the other."""
    x, errors = cloud.x[cloud.front], cloud.errors[cloud.front]
    order = np.lexsort((errors, -x if frame.better == "more" else x))
    x, errors = x[order], errors[order]
    far = frame.x[0] if frame.better == "more" else frame.x[1]
    figure.add_scatter(
        x=[x[0], *x, far],
        y=[frame.y[1], *errors, errors[-1]],
        mode="lines",
        line={"shape": "hv", "color": cloud.look.colour, "width": 2},
        legendgroup=cloud.look.study,
        showlegend=False,
        hoverinfo="skip",
    )
    edge = {"width": 1.5, "color": cloud.look.colour}
    _add_points(
        figure,
        cloud,
        frame,
        cloud.front,
        {"size": 9, "opacity": 1, "line": edge},
        showlegend=False,
    )


def _add_points(
    figure: go.Figure,
    cloud: _Cloud,
    frame: _Frame,
    chosen: Mask,
    mark: dict[str, Any],
    **legend: Any,
) -> None:
    what, front = frame.what, ", on the front" if (chosen & cloud.front).any() else ""
    digits = f".{max(what.decimals, 1)}f"
    if np.isfinite(cloud.less[chosen]).any():
        legend["error_x"] = {
            "type": "data",
            "symmetric": False,
            "array": np.nan_to_num(cloud.more[chosen]),
            "arrayminus": np.nan_to_num(cloud.less[chosen]),
            "color": theme.fade(cloud.look.colour, 0.5),
            "thickness": 1.2,
            "width": 0,
        }
    figure.add_scatter(
        x=cloud.x[chosen].astype(np.float32),
        y=cloud.errors[chosen].astype(np.float32),
        marker={"color": cloud.look.colour, "symbol": cloud.look.symbol, **mark},
        customdata=cloud.index[chosen],
        hovertemplate=f"network %{{customdata}}: %{{y:.1f}} % at %{{x:{digits}}} {what.unit}{front}"
        f"<extra>{cloud.look.name}</extra>",
        **legend,
        **cloud.common,
    )


def _add_bad(figure: go.Figure, cloud: _Cloud, frame: _Frame) -> None:
    bad = cloud.shown & cloud.bad
    figure.add_scatter(
        x=cloud.x[bad].astype(np.float32),
        y=np.full(int(bad.sum()), frame.y[1] - 0.04 * (frame.y[1] - frame.y[0])),
        marker={"color": theme.BAD, "size": 7, "symbol": "x", "line": {"width": 0}},
        customdata=cloud.index[bad],
        text=[str(state).replace("_", " ") for state in cloud.state[bad]],
        hovertemplate=f"network %{{customdata}}: %{{text}}<extra>{cloud.look.name}</extra>",
        showlegend=False,
        **cloud.common,
    )


def _words(cloud: _Cloud) -> str:
    """What the legend says of a study; Spearman's rho with its interval of a sample alone."""
    number = int(cloud.front.sum())
    front = f", front of {number:,}" if number else ""
    words = f"{cloud.look.name}<br>n = {len(cloud.x):,}{front}"
    rho = spearman(cloud.x, cloud.errors) if cloud.look.is_sample else None
    return f"{words}<br>ρ = {rho.value:.2f} [{rho.lower:.2f}, {rho.upper:.2f}]" if rho else words
