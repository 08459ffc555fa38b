"""A described space's figures: what is drawn beside its prior, costs, widths, feasibility."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from dse.dashboard import theme
from dse.dashboard.figures.small import small
from dse.dashboard.labels import Label, plain

HEIGHT = 240
BINS = 20
_CROWDED = 6
_LONG = 9
_ROW_HEIGHT = 19
Row = Mapping[str, Any]


def marginal_panel(row: Row, print_: str) -> go.Figure:
    """Shares of a slot's values among the networks, with 95 % intervals, beside the prior."""
    cells = row["cells"]
    x = list(range(len(cells)))
    shares = 100 * np.array([[c[k] for k in ("share", "low", "high", "prior")] for c in cells]).T
    share, low, high, prior = shares
    figure = go.Figure()
    figure.add_bar(
        x=x,
        y=share,
        width=0.8,
        marker={"color": theme.fade(theme.NETWORK, 0.4), "line": {"width": 0}},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": high - share,
            "arrayminus": share - low,
            "color": theme.BAD,
            "thickness": 1.3,
            "width": 2,
        },
        customdata=[[plain(c["label"]), c["n"]] for c in cells],
        hovertemplate="%{customdata[0]}: %{y:.1f} %, %{customdata[1]} networks<extra></extra>",
    )
    figure.add_scatter(
        x=x,
        y=prior,
        mode="lines+markers" if len(cells) > _CROWDED else "markers",
        line={"color": theme.MEAN, "width": 1.5},
        marker={"color": theme.MEAN, "size": 7, "symbol": "diamond"},
        customdata=[plain(c["label"]) for c in cells],
        hovertemplate="%{customdata}: prior %{y:.1f} %<extra></extra>",
    )
    top = 1.06 * float(max(high.max(), prior.max()))
    return small(
        figure,
        row["slot"],
        print_,
        HEIGHT,
        bargap=0,
        xaxis=_cell_axis([c["start"] for c in cells]),
        yaxis={"range": [0, top], "ticksuffix": " %", "nticks": 5},
    )


def histogram_panel(values: NDArray[Any], name: str, print_: str, label: Label) -> go.Figure:
    """How many networks have a number in each of equal intervals."""
    shown = label.factor * values.astype(np.float64)
    low, high = float(shown.min()), float(shown.max())
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    counts = np.histogram(shown, edges)[0]
    figure = go.Figure()
    figure.add_bar(
        x=(edges[:-1] + edges[1:]) / 2,
        y=counts,
        width=np.diff(edges),
        marker={"color": theme.fade(theme.NETWORK, 0.6), "line": {"width": 0}},
        customdata=[f"{a:.4g} to {b:.4g}" for a, b in itertools.pairwise(edges)],
        hovertemplate="%{customdata}: %{y} networks<extra></extra>",
    )
    return small(
        figure,
        name,
        print_,
        HEIGHT,
        bargap=0,
        xaxis={"nticks": 5},
        yaxis={"nticks": 5, "rangemode": "tozero"},
    )


def region_figure(rows: Sequence[Row], share: float) -> go.Figure:
    """The share of each region that can meet the budget, with 95 % intervals; the least on top."""
    x, low, high = 100 * np.array([[r[k] for k in ("share", "low", "high")] for r in rows]).T
    y = np.arange(len(rows))
    figure = go.Figure()
    figure.add_scatter(
        x=x,
        y=y,
        mode="markers",
        marker={"color": theme.NETWORK, "size": 7},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": high - x,
            "arrayminus": x - low,
            "color": theme.NETWORK,
            "thickness": 1.3,
            "width": 2,
        },
        customdata=[[_region_name(r), r["n"], r["of"]] for r in rows],
        hovertemplate="%{customdata[0]}: %{customdata[1]} of %{customdata[2]}<extra></extra>",
    )
    ends = [float(low.min()), float(high.max())]
    pad = 0.04 * max(ends[1] - ends[0], 0.1)
    figure.add_shape(
        type="line",
        yref="paper",
        **{"x0": 100 * share, "x1": 100 * share, "y0": 0, "y1": 1},
        line={"color": theme.MEAN, "width": 1.5, "dash": "dash"},
    )
    return figure.update_layout(
        template=theme.LIGHT,
        height=70 + _ROW_HEIGHT * len(rows),
        autosize=True,
        showlegend=False,
        dragmode=False,
        margin={"l": 20, "r": 16, "t": 8, "b": 48},
        xaxis={
            "title": {"text": "Share that can meet the budget"},
            "range": [ends[0] - pad, ends[1] + pad],
            "ticksuffix": " %",
            "nticks": 6,
        },
        yaxis={
            "tickmode": "array",
            "tickvals": y,
            "ticktext": [_region_name(r) for r in rows],
            "range": [len(rows) - 0.5, -0.5],
            "tickfont": {"size": 11},
        },
    )


def _region_name(row: Row) -> str:
    return plain(f"{row['slot']} {row['value']}")


def _broken(name: str) -> str:
    """A long name in two lines."""
    return name.replace("_", "_<br>", 1) if len(name) > _LONG else name


def _cell_axis(names: Sequence[str]) -> dict[str, Any]:
    """Every name where there is room, else some of them."""
    room = _CROWDED if len(names) <= _CROWDED or max(map(len, names)) <= 3 else _CROWDED - 2
    shown = list(range(0, len(names), -(-len(names) // room)))
    texts = [_broken(plain(names[k])) for k in shown]
    crowded = len(texts) > 3 and max(len(names[k]) for k in shown) > 5
    if crowded:
        texts = [f"<br>{text}" if place % 2 else text for place, text in enumerate(texts)]
    return {
        "tickmode": "array",
        "tickvals": shown,
        "ticktext": texts,
        "range": [-0.6, len(names) - 0.4],
        "tickangle": 0,
        "tickfont": {"size": 11},
        "showgrid": False,
    }
