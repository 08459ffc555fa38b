"""Two populations against each other: along the errors, and along the quantiles."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from dse.analysis.estimate import Estimate, FloatArray
from dse.analysis.spaces.dominance import Gap
from dse.dashboard import theme
from dse.dashboard.figures.brush import brushed, number_axis
from dse.dashboard.figures.common import ERROR, styled
from dse.dashboard.figures.rows import whiskers
from dse.dashboard.labels import plain

HEIGHT = 360
MOST_STEPS = 1500


def gap_figure(gap: Gap, names: tuple[str, str], colours: tuple[str, str]) -> go.Figure:
    """How many more of A's networks than of B's are below each error, with its simultaneous band.

    Where the band leaves out zero, the ground between is in the colour of the better one.
    """
    figure = go.Figure()
    rows = _thinned(len(gap.errors))
    x = ERROR.factor * gap.errors[rows]
    value, low, high = (100 * part[rows] for part in (gap.gap, gap.lower, gap.upper))
    steps = {"mode": "lines", "hoverinfo": "skip"}
    figure.add_scatter(x=x, y=low, line={"width": 0, "shape": "hv"}, showlegend=False, **steps)
    figure.add_scatter(
        x=x,
        y=high,
        line={"width": 0, "shape": "hv"},
        fill="tonexty",
        fillcolor=theme.fade(theme.GREY, 0.3),
        name=f"{100 * gap.confidence:g} % simultaneous band",
        **steps,
    )
    for name, colour, shown in zip(names, colours, _shown(low, high), strict=True):
        if shown.any():
            _add_shown(figure, x, value, shown, f"shown: {plain(name)} has more", colour)
    figure.add_scatter(
        x=x,
        y=value,
        mode="lines",
        line={"shape": "hv", "color": theme.GREY, "width": 2},
        name=f"difference, n = {gap.n[0]:,} and {gap.n[1]:,}",
        hovertemplate="up to %{x:.1f} %: %{y:+.1f} points<extra></extra>",
    )
    styled(
        figure,
        HEIGHT,
        xaxis={"title": {"text": ERROR.axis}},
        yaxis={
            "title": {"text": "More of the first than of the second<br>below this error [points]"},
            "zeroline": True,
            "zerolinecolor": theme.GREY,
        },
        legend={"orientation": "h", "yref": "paper", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    return brushed(figure, x=number_axis("error"))


def quantiles_figure(found: Mapping[float, Estimate], colours: tuple[str, str]) -> go.Figure:
    """Differences of quantiles, the first less the second [points of error], one interval each.

    Dots take the colour of the better one where their interval leaves out zero. Those that lie
    among networks that ended badly are left out; a bound there reaches beyond the frame.
    """
    known = {p: each for p, each in found.items() if np.isfinite(each.value)}
    value, low, high = 100 * np.array([(e.value, e.lower, e.upper) for e in known.values()]).T
    finite = np.concatenate([part[np.isfinite(part)] for part in (value, low, high, np.zeros(1))])
    pad = max(0.08 * float(np.ptp(finite)), 0.05)
    frame = float(finite.min()) - pad, float(finite.max()) + pad
    ends = [np.clip(part, frame[0] - pad, frame[1] + pad) for part in (low, high)]
    better = np.where(high < 0, colours[0], np.where(low > 0, colours[1], theme.GREY))
    figure = go.Figure()
    figure.add_scatter(
        x=[100 * p for p in known],
        y=value,
        mode="markers",
        marker={"size": 10, "color": better.tolist(), "line": {"width": 0}},
        error_y=whiskers(value, ends[0], ends[1], theme.GREY),
        customdata=[
            f"{100 * p:g} % quantile: {v:+.2f} points [{a:+.2f}, {b:+.2f}]"
            for p, v, a, b in zip(known, value, low, high, strict=True)
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )
    n = next(iter(found.values())).n
    return styled(
        figure,
        HEIGHT,
        showlegend=False,
        xaxis={
            "title": {"text": f"Quantile, n = {n:,} in all"},
            "tickvals": [100 * p for p in found],
            "ticksuffix": " %",
            "range": [0, 100],
            "tickangle": 0,
        },
        yaxis={
            "title": {"text": "Error of the first less that<br>of the second [points]"},
            "zeroline": True,
            "zerolinecolor": theme.GREY,
            "range": list(frame),
        },
    )


def _thinned(count: int) -> np.ndarray:
    """Places of at most `MOST_STEPS` of `count` steps, first and last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_STEPS)).round().astype(np.int64))


def _shown(low: FloatArray, high: FloatArray) -> tuple[np.ndarray, np.ndarray]:
    return low > 0, high < 0


def _add_shown(
    figure: go.Figure, x: FloatArray, value: FloatArray, shown: np.ndarray, name: str, colour: str
) -> None:
    """The ground between zero and the curve where a difference is shown."""
    figure.add_scatter(
        x=x,
        y=np.where(shown, value, 0.0),
        mode="lines",
        line={"width": 0, "shape": "hv"},
        fill="tozeroy",
        fillcolor=theme.fade(colour, 0.35),
        name=name,
        hoverinfo="skip",
    )
