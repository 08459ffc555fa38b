"""Tall figures with a named row for each thing: the name stands over its bar, so that a narrow
window has room for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

ROW: Final = 42  # px
BAR: Final = 0.5
"""Of a row's height; the bar of row k is centred at k."""


def row_names(
    names: Sequence[str], x: float = 0.0, end: str = "left", over: float = 0.3
) -> list[dict[str, Any]]:
    """Annotations with each name over its bar, `end` at `x` of the figure's width."""
    place = {"x": x, "xref": "paper", "xanchor": end, "yanchor": "bottom", "borderpad": 0}
    return [
        {"text": name, "y": row - over, "showarrow": False, "font": {"size": 12}, **place}
        for row, name in enumerate(names)
    ]


def row_axis(count: int, below: float = 0.4) -> dict[str, Any]:
    """The axis of `count` rows from top to bottom, of which the last needs room `below`."""
    return {"visible": False, "range": [count - 1 + below, -0.75]}


def whiskers(value: Any, lower: Any, upper: Any, colour: str) -> dict[str, Any]:
    """Error bars from `lower` to `upper`; none where these are not finite, as Plotly has NaN."""
    return {
        "type": "data",
        "symmetric": False,
        "array": upper - value,
        "arrayminus": value - lower,
        "color": colour,
        "thickness": 1.6,
        "width": 4,
    }
