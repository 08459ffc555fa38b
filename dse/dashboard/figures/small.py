"""One of many small panels: a title and small print over a tight frame."""

from __future__ import annotations

from typing import Any, Final

import plotly.graph_objects as go

from dse.dashboard import theme
from dse.dashboard.labels import plain

LEFT: Final = 48
_MARGIN: Final = {"l": LEFT, "r": 10, "t": 46, "b": 40}


def small(figure: go.Figure, title: str, print_: str, height: int, **layout: Any) -> go.Figure:
    """`figure` with `title` and, below it, the small print; both plain text."""
    text = f'<b>{plain(title)}</b><br><span style="font-size:11px">{plain(print_)}</span>'
    place = {"x": 0, "xref": "container", "xanchor": "left", "pad": {"l": 4, "b": 24}}
    over = {"y": 1, "yref": "paper", "yanchor": "bottom", "font": {"size": 13}}
    return figure.update_layout(
        template=theme.LIGHT,
        height=height,
        autosize=True,
        showlegend=False,
        dragmode=False,
        margin=_MARGIN,
        title={"text": text, **place, **over},
    ).update_layout(**layout)
