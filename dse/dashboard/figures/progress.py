"""How a study went on: the trainings that have ended, by time."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dse.analysis.estimate import FloatArray
from dse.dashboard import theme
from dse.dashboard.figures.common import LEGEND, styled

HEIGHT: Final = 420
MOST_BINS: Final = 50
MOST_STEPS: Final = 400
BINS: Final = (
    *(10, 30),
    *(60 * minutes for minutes in (1, 2, 5, 10, 15, 30)),
    *(3600 * hours for hours in (1, 2, 3, 6, 12, 24, 48, 168)),
)
"""Seconds."""
SPLIT: Final = (0.42, 0.5)
"""Of the height: where the rates end and the counts begin."""


def progress_figure(landings: pd.DataFrame, total: int | None = None) -> go.Figure:
    """Trainings that have ended so far, by state, and below how many did in an hour.

    `landings` has a row a training with `state` and `finished` (UTC). `total` of the study is a
    dashed line.
    """
    rows = landings[landings["finished"].notna()]
    when = pd.to_datetime(rows["finished"], utc=True).dt.tz_localize(None)
    state = rows["state"].to_numpy()
    there = [name for name in theme.STATES if (state == name).any()]
    figure = go.Figure()
    if not len(rows):
        return styled(figure, HEIGHT)
    seconds: FloatArray = np.asarray((when - when.min()).dt.total_seconds(), dtype=np.float64)
    width = bin_width(float(seconds.max()))
    edges = np.arange(0, seconds.max() + width, width) if seconds.max() else np.array([0.0, width])
    edges = edges if edges[-1] > seconds.max() else np.append(edges, edges[-1] + width)
    steps = _steps(seconds)
    for name in there:
        times = np.sort(seconds[state == name])
        colour, words = theme.STATES[name], name.replace("_", " ")
        figure.add_scatter(
            x=when.min() + pd.to_timedelta(steps, unit="s"),
            y=np.searchsorted(times, steps, side="right"),
            mode="lines",
            stackgroup="landed",
            line={"shape": "hv", "color": colour, "width": 1},
            fillcolor=theme.fade(colour, 0.5),
            name=f"{words}, n = {times.size:,}",
            legendgroup=name,
            hovertemplate=f"%{{y}} {words} by %{{x|%Y-%m-%d %H:%M:%S}}<extra></extra>",
        )
        figure.add_bar(
            x=when.min() + pd.to_timedelta((edges[:-1] + edges[1:]) / 2, unit="s"),
            y=3600 / width * np.histogram(times, edges)[0],
            width=1000 * width,
            marker={"color": colour, "line": {"width": 0}},
            customdata=np.histogram(times, edges)[0],
            legendgroup=name,
            showlegend=False,
            yaxis="y2",
            hovertemplate=f"%{{customdata}} {words} in {bin_words(width)}<extra></extra>",
        )
    if total:
        _add_total(figure, total)
    return styled(
        figure,
        HEIGHT,
        barmode="stack",
        bargap=0,
        xaxis={"title": {"text": "Time (UTC)"}, "type": "date", "anchor": "y2"},
        yaxis={
            "title": {"text": "Trainings ended"},
            "domain": [SPLIT[1], 1],
            "range": [0, 1.06 * max(total or 0, len(rows))],
        },
        yaxis2={
            "title": {"text": f"Per hour,<br>in steps of {bin_words(width)}"},
            "domain": [0, SPLIT[0]],
            "rangemode": "tozero",
            "nticks": 5,
        },
        legend=LEGEND,
    )


def bin_width(span: float) -> int:
    """Seconds of a bar, so that a span [s] has at most 50 of them; at least a week beyond that."""
    return next((width for width in BINS if span <= MOST_BINS * width), BINS[-1])


def bin_words(seconds: int) -> str:
    """A bar's width as people say it."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def _steps(seconds: FloatArray) -> FloatArray:
    """The times at which counts are drawn: each ending of few, else evenly many."""
    found = np.unique(np.concatenate([[0.0], seconds]))
    return found if found.size <= MOST_STEPS else np.linspace(0, found[-1], MOST_STEPS)


def _add_total(figure: go.Figure, total: int) -> None:
    line = {"color": theme.GREY, "width": 1.5, "dash": "dash"}
    figure.add_shape(
        type="line", xref="paper", **{"x0": 0, "x1": 1, "y0": total, "y1": total}, line=line
    )
    figure.add_annotation(
        text=f"all {total:,}",
        showarrow=False,
        **{"x": 0, "xref": "paper", "xanchor": "left", "y": total, "yanchor": "top"},
        font={"size": 11},
    )
