"""What each step of a walk adds, averaged over orders: Shapley bars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter

import numpy as np
import plotly.graph_objects as go

from dse.analysis.estimate import Estimate
from dse.analysis.order.shapley import Contribution
from dse.dashboard import theme
from dse.dashboard.figures.common import styled
from dse.dashboard.figures.rows import row_axis, row_names, whiskers
from dse.dashboard.labels import plain

ROW = 58  # px
_BAR = 0.3
_MARKS = (
    ("removed", "as the last of all", "diamond", theme.ORANGE, 0.25),
    ("path", "on the paper's path", "circle", theme.VERMILLION, 0.36),
    ("alone", "as the first of all", "x-thin-open", theme.PURPLE, 0.47),
)


def order_figure(steps: Sequence[Contribution]) -> go.Figure:
    """Shapley values of `steps` [points of error] with intervals, bars to the left lower the error.

    Beside each, what the same step does on the paper's path, as the last and as the first of all.
    """
    figure = go.Figure()
    y = np.arange(len(steps))
    value, low, high = _numbers(steps, lambda step: step.shapley)
    figure.add_bar(
        orientation="h",
        y=y,
        x=value,
        width=_BAR,
        marker={"color": theme.fade(theme.NETWORK, 0.5), "line": {"width": 0}},
        error_x=whiskers(value, low, high, theme.NETWORK),
        name=f"mean over {steps[0].shapley.n:,} orders (Shapley)",
        customdata=[_told(step) for step in steps],
        hovertemplate="%{customdata}<extra></extra>",
    )
    for field, name, symbol, colour, below in _MARKS:
        at, least, most = _numbers(steps, attrgetter(field))
        if not np.isfinite(at).any():
            continue
        line = {"width": 2, "color": colour}
        figure.add_scatter(
            x=at,
            y=y + below,
            mode="markers",
            marker={"symbol": symbol, "size": 8, "color": colour, "line": line},
            error_x=whiskers(at, least, most, colour) | {"thickness": 1, "width": 0},
            name=name,
            hovertemplate=f"{name}: %{{x:+.2f}} points<extra></extra>",
        )
    return styled(
        figure,
        round(110 + ROW * len(steps)),
        margin={"l": 8, "r": 12, "t": 8, "b": 52},
        annotations=row_names([plain(step.step) for step in steps], over=0.16),
        xaxis={"title": {"text": "Change of the error [points]"}, "zeroline": True},
        yaxis=row_axis(len(steps), below=0.62),
        legend={"orientation": "h", "yref": "paper", "y": 1.0, "yanchor": "bottom", "x": 0},
        bargap=0,
    )


def _numbers(
    steps: Sequence[Contribution], of: Callable[[Contribution], Estimate | None]
) -> np.ndarray:
    found = [of(step) for step in steps]
    nan = (np.nan, np.nan, np.nan)
    numbers = np.array([(f.value, f.lower, f.upper) if f else nan for f in found], dtype=np.float64)
    return 100 * np.where(np.isfinite(numbers), numbers, np.nan).T


def _told(step: Contribution) -> str:
    value = step.shapley
    seeds = "not known" if step.seed_error is None else f"{100 * step.seed_error:.2f}"
    return (
        f"{plain(step.step)}: {100 * value.value:+.2f} points [{100 * value.lower:+.2f}, "
        f"{100 * value.upper:+.2f}]<br>standard error by the draw of orders "
        f"{100 * step.order_error:.2f}, by seeds {seeds}<br>varies by {100 * step.order_std:.2f} "
        "over orders"
    )
