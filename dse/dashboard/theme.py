"""One look for every figure, light and dark.

Colours are Okabe & Ito's (2008), safe for the colour-blind; those used for lines and marks stand
out at 3:1 against both backgrounds, so a trace keeps its colour in either theme and only the
template (background, text, grid) changes.
"""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

BLUE = "#0072B2"
GREEN = "#009E73"
VERMILLION = "#D55E00"
PURPLE = "#CC79A7"
SKY = "#56B4E9"
ORANGE = "#E69F00"
GREY = "#8a8f98"

# The same colour for the same thing everywhere.
NETWORK, MEAN, BEST, WORST, BAD = BLUE, ORANGE, GREEN, VERMILLION, GREY
STATES = {
    "complete": NETWORK,
    "stopped": SKY,
    "diverged": VERMILLION,
    "out_of_memory": PURPLE,
    "failed": BAD,
}
STUDIES = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
# From the least error to the largest; blue to orange through grey, as cividis, on either ground.
ERRORS = ((0.0, BLUE), (0.5, "#9aa0a8"), (1.0, ORANGE))

BAND = 0.2
"""The opacity of bands, seen on both backgrounds."""

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def _template(*, surface: str, ink: str, soft: str, grid: str) -> go.layout.Template:
    axis = {
        "gridcolor": grid,
        "linecolor": soft,
        "zeroline": False,
        "showline": True,
        "ticks": "outside",
        "tickcolor": soft,
        "ticklen": 4,
        "automargin": True,
        "exponentformat": "none",
        "title": {"standoff": 8, "font": {"size": 13}},
        "tickfont": {"size": 12},
    }
    return go.layout.Template(
        layout={
            "paper_bgcolor": surface,
            "plot_bgcolor": surface,
            "font": {"family": FONT, "size": 13, "color": ink},
            "colorway": list(STUDIES),
            "xaxis": axis,
            "yaxis": axis,
            "title": {"font": {"size": 15}, "x": 0, "xref": "paper", "xanchor": "left"},
            "legend": {"bgcolor": "rgba(0,0,0,0)", "font": {"size": 12}},
            "hoverlabel": {"bgcolor": surface, "bordercolor": soft, "font": {"color": ink}},
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": soft, "activecolor": ink},
        }
    )


LIGHT = _template(surface="#ffffff", ink="#1d2530", soft="#6b7480", grid="#e8ebef")
DARK = _template(surface="#171c24", ink="#e6e9ee", soft="#939cab", grid="#2b323d")


def templates() -> dict[str, Any]:
    """Both templates as plain data, by the name of the theme."""
    return {"light": LIGHT.to_plotly_json(), "dark": DARK.to_plotly_json()}


def fade(colour: str, alpha: float) -> str:
    """`colour` (#rrggbb) at an opacity, for bands."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"


def error_colour(place: float) -> str:
    """The colour of an error that lies at `place` from 0, the least, to 1, the largest."""
    (low, start), (high, end) = ERRORS[:2] if place < ERRORS[1][0] else ERRORS[1:]
    share = min(max((place - low) / (high - low), 0.0), 1.0)
    parts = [
        round(int(start[i : i + 2], 16) * (1 - share) + int(end[i : i + 2], 16) * share)
        for i in (1, 3, 5)
    ]
    return "#{:02x}{:02x}{:02x}".format(*parts)
