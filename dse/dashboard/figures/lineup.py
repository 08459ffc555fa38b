"""Several networks one below the other, each a row of its blocks, all at one scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dse.dashboard import theme
from dse.dashboard.figures.common import styled
from dse.dashboard.labels import joined, plain

ROW, TALL, TEXT = 92, 40, 40  # px
GAP, BREAK = 0.1, 0.5  # blocks
_SHADES = (1.0, 0.78, 0.6, 0.45)


def lineup(
    networks: Sequence[tuple[str, Mapping[str, Any]]], colours: Sequence[str] = ()
) -> go.Figure:
    """`networks` as (what is said of it, plain `Architecture` dict), from top to bottom.

    A bar is a block, as tall as it has channels; stages stand side by side, paler one by one.
    """
    figure = go.Figure()
    longest = max(sum(a["depths"]) + BREAK * (len(a["depths"]) - 1) for _, a in networks)
    widest = max(max(a["dims"]) for _, a in networks)
    notes = []
    for row, (said, architecture) in enumerate(networks):
        middle = row * ROW + TEXT + TALL / 2
        colour = colours[row] if colours else theme.NETWORK
        _add_network(figure, architecture, middle, TALL / widest, colour)
        shape = f"{joined(architecture['depths'])} × {joined(architecture['dims'])}"
        text = f"<b>{plain(said)}</b><br>{plain(shape)}"
        notes.append(
            {"text": text, "x": 0, "y": row * ROW + TEXT - 4, "showarrow": False, "borderpad": 0}
            | {"xanchor": "left", "yanchor": "bottom", "font": {"size": 12}, "align": "left"}
        )
    hidden = {"visible": False, "fixedrange": True}
    height = ROW * len(networks)
    return styled(
        figure,
        height,
        showlegend=False,
        barmode="overlay",
        dragmode=False,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        annotations=notes,
        xaxis=hidden | {"range": [0, longest]},
        yaxis=hidden | {"range": [height, 0]},
    )


def _add_network(
    figure: go.Figure, architecture: Mapping[str, Any], middle: float, scale: float, colour: str
) -> None:
    depths, dims = architecture["depths"], architecture["dims"]
    starts = np.cumsum([0, *depths[:-1]]) + BREAK * np.arange(len(depths))
    stage = np.repeat(np.arange(len(depths)), depths)
    within = np.concatenate([np.arange(depth) for depth in depths])
    tall = np.maximum(scale * np.array(dims, dtype=np.float64), 2.0)
    figure.add_bar(
        x=starts[stage] + within + (1 - GAP) / 2,
        base=middle - tall[stage] / 2,
        y=tall[stage],
        width=1 - GAP,
        marker={
            "color": [theme.fade(colour, _SHADES[min(k, 3)]) for k in stage.tolist()],
            "line": {"width": 0},
        },
        customdata=[
            f"stage {k + 1}: {depths[k]} blocks of {dims[k]} channels" for k in stage.tolist()
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )
