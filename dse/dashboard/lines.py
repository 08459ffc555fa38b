"""Reference lines: networks from elsewhere, drawn into every figure with an axis of errors."""

from __future__ import annotations

from typing import Literal

import plotly.graph_objects as go

from dse.analysis.references import Reference
from dse.dashboard import theme

DASHES = ("dash", "dot", "dashdot", "longdash")


def draw_reference(
    figure: go.Figure, reference: Reference, number: int, *, axis: Literal["x", "y"]
) -> None:
    """A dashed line at the error of a reference, number 0, 1, ...; its axis is made to reach it."""
    error = 100 * reference.error
    line = {"color": theme.PURPLE, "width": 1.6, "dash": DASHES[number % len(DASHES)]}
    place = figure.layout.xaxis if axis == "x" else figure.layout.yaxis
    low, high = place.range
    place.range = (min(low, error - 2), max(high, error + 2))
    shape = {f"{axis}0": error, f"{axis}1": error, "line": line, "layer": "below"}
    other = "y" if axis == "x" else "x"
    figure.add_shape(
        type="line", **shape, **{f"{other}0": 0, f"{other}1": 1, f"{other}ref": "paper"}
    )
    if not _is_small(figure):
        figure.add_scatter(
            x=[None],
            y=[None],
            mode="lines",
            line=line,
            name=reference_label(reference),
            showlegend=True,
            hoverinfo="skip",
        )


def reference_label(reference: Reference) -> str:
    """Name, error and number of seeds."""
    seeds = "1 seed" if reference.seeds == 1 else f"{reference.seeds} seeds"
    return f"{reference.name.removeprefix('timm:')}: {100 * reference.error:.1f} % ({seeds})"


def _is_small(figure: go.Figure) -> bool:
    """Small multiples share one legend: that of the large figures."""
    return figure.layout.showlegend is False
