"""The modernization roadmap step by step, as Figure 2 of the ConvNeXt paper draws it.

Bars are errors and begin at the frame, not at zero, as the paper's accuracies do; FLOPs are beside.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dse.dashboard import theme
from dse.dashboard.figures.common import ERROR, styled
from dse.dashboard.figures.rows import BAR, ROW, row_axis, row_names, whiskers
from dse.dashboard.labels import label, plain

GFLOPS = label("flops")
_SPLIT = (0.72, 0.78)
_END = " = ConvNeXt"


def roadmap_figure(rows: pd.DataFrame, *, printed: bool = False) -> go.Figure:
    """Errors of the walk's `rows` from top to bottom, FLOPs on the right.

    Columns `name`, `is_side` (pale: not taken on), `error`, `lower` and `upper` [fraction; NaN for
    no whisker], `flops` and `n` trainings. `printed` bars are hollow: numbers of the paper.
    """
    figure = go.Figure()
    value, low, high = 100 * rows[["error", "lower", "upper"]].to_numpy(dtype=np.float64).T
    y = np.arange(len(rows))
    start, end = _range(value, low, high)
    colours = [_colour(*row) for row in zip(rows["name"], rows["is_side"], strict=True)]
    figure.add_bar(
        orientation="h",
        y=y,
        base=start,
        x=value - start,
        width=BAR,
        marker=_filled(colours, printed),
        error_x=whiskers(value, low, high, theme.GREY),
        customdata=[
            _told(*numbers)
            for numbers in zip(rows["name"], value, low, high, rows["n"], strict=True)
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )
    flops = GFLOPS.factor * rows["flops"].to_numpy(dtype=np.float64)
    figure.add_bar(
        orientation="h",
        y=y,
        x=flops,
        width=BAR,
        xaxis="x2",
        marker=_filled([theme.GREY] * len(rows), printed),
        hovertemplate="%{x:.2f} GFLOPs<extra></extra>",
    )
    return styled(
        figure,
        round(56 + ROW * (len(rows) + 0.15)),
        showlegend=False,
        margin={"l": 8, "r": 8, "t": 4, "b": 52},
        annotations=[
            *row_names([plain(name.removesuffix(_END)) for name in rows["name"]]),
            *row_names([f"<b>{number:.1f}</b>" for number in value], _SPLIT[0], "right"),
            *row_names([f"{GFLOPS.factor * flops:.2f}" for flops in rows["flops"]], _SPLIT[1]),
        ],
        xaxis={
            "title": {"text": ERROR.axis},
            "range": [start, end],
            "domain": [0, _SPLIT[0]],
            "nticks": 6,
        },
        xaxis2={
            "title": {"text": "GFLOPs"},
            "domain": [_SPLIT[1], 1],
            "range": [0, 1.05 * float(np.nanmax(flops))],
            "nticks": 4,
            "anchor": "y",
        },
        yaxis=row_axis(len(rows)),
    )


def _filled(colours: list[str], printed: bool) -> dict[str, Any]:
    """Bars of measured numbers are full, those of printed ones hollow."""
    if not printed:
        return {"color": colours, "line": {"width": 0}}
    return {"color": "rgba(0,0,0,0)", "line": {"width": 1.6, "color": colours}}


def _range(value: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[float, float]:
    ends = np.concatenate([value, low, high])
    ends = ends[np.isfinite(ends)]
    spread = max(float(np.ptp(ends)), 1.0)
    return max(float(ends.min()) - 0.35 * spread, 0.0), float(ends.max()) + 0.04 * spread


def _colour(name: str, is_side: bool) -> str:
    if is_side:
        return theme.fade(theme.NETWORK, 0.4)
    if name.endswith(_END):
        return theme.BEST
    return theme.GREY if name.startswith("ResNet") else theme.NETWORK


def _told(name: str, value: float, low: float, high: float, n: int) -> str:
    bounds = f" [{low:.1f}, {high:.1f}]" if np.isfinite(low) else ""
    return f"{plain(name)}: {value:.2f} %{bounds}, n = {n}"
