"""An architecture as a picture: its blocks in a row a stage, as long as deep, as tall as wide."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dse.dashboard import theme
from dse.dashboard.labels import word

STEM_STRIDE = 4
GAP = 0.12
TEXT_HEIGHT, BAR_HEIGHT, ROW_SPACE, LINE_HEIGHT = 22, 46, 12, 17  # px
CAPTION_WIDTH = 46  # characters
NO_BREAK = "\u00a0"


def drawing(
    architecture: Mapping[str, Any],
    *,
    resolution: int = 224,
    longest: int | None = None,
    widest: int | None = None,
    colour: str = theme.NETWORK,
) -> go.Figure:
    """Stem and stages of `architecture` (a plain `Architecture` dict) from top to bottom.

    Every block is a bar; a row's length is the stage's depth and its height the width in
    channels. `longest` (blocks) and `widest` (channels) set the scale, so that two drawings can
    be compared; by default the architecture fills it.
    """
    depths, dims = list(architecture["depths"]), list(architecture["dims"])
    longest, widest = longest or max(depths), widest or max(dims)
    rows = [("Stem", 1, dims[0], theme.GREY)]
    rows += [
        (f"Stage {number}", depth, width, colour)
        for number, (depth, width) in enumerate(zip(depths, dims, strict=True), start=1)
    ]
    figure = go.Figure()
    y = 0.0  # pixels from the top, downwards
    for (name, depth, width, fill), text in zip(
        rows, row_texts(architecture, resolution), strict=True
    ):
        _add_text(figure, y, text)
        tall = max(BAR_HEIGHT * width / widest, 3)
        _add_blocks(figure, y + TEXT_HEIGHT + tall / 2, tall, depth, fill, f"{name}: {width}")
        y += TEXT_HEIGHT + tall + ROW_SPACE
    whole = "; ".join(part.replace(" ", NO_BREAK) for part in recipe_parts(architecture))
    caption = textwrap.wrap(whole, CAPTION_WIDTH)
    _add_text(figure, y, "<br>".join(caption))
    y += LINE_HEIGHT * len(caption) + ROW_SPACE
    hidden = {"visible": False, "fixedrange": True}
    return figure.update_layout(
        template=theme.LIGHT,
        height=round(y),
        autosize=True,
        showlegend=False,
        barmode="overlay",
        dragmode=False,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        xaxis=hidden | {"range": [0, longest]},
        yaxis=hidden | {"range": [y, 0]},
    )


def _add_text(figure: go.Figure, y: float, text: str) -> None:
    figure.add_annotation(
        x=0,
        y=y,
        text=text,
        align="left",
        xanchor="left",
        yanchor="top",
        showarrow=False,
        borderpad=0,
        font={"size": 12.5},
    )


def _add_blocks(
    figure: go.Figure, y: float, tall: float, depth: int, colour: str, name: str
) -> None:
    figure.add_bar(
        orientation="h",
        base=np.arange(depth, dtype=np.float64),
        x=np.full(depth, 1 - GAP),
        y=np.full(depth, y),
        width=np.full(depth, tall),
        marker={"color": colour, "line": {"width": 0}},
        hovertemplate=f"{name} channels, {depth} blocks<extra></extra>",
    )


def row_texts(
    architecture: Mapping[str, Any], resolution: int = 224, *, bold: bool = True
) -> list[str]:
    """One line for the stem and each stage: depth x width, kernel, resolution."""
    name = "<b>{}</b>" if bold else "{}"
    side = resolution // STEM_STRIDE
    stem = word(architecture["stem"])
    lines = [f"{name.format('Stem')} {stem}, {resolution} → {side} px"]
    fields = ("depths", "dims", "kernel_sizes")
    stages = zip(*(architecture[field] for field in fields), strict=True)
    for number, (depth, width, kernel) in enumerate(stages, start=1):
        stage = name.format(f"Stage {number}")
        lines.append(f"{stage} {depth} × {width}, kernel {kernel}×{kernel}, {side} px")
        side = -(-side // 2)
    return lines


def block_recipe(architecture: Mapping[str, Any]) -> str:
    """What a block is made of, in one line."""
    return "; ".join(recipe_parts(architecture))


def recipe_parts(architecture: Mapping[str, Any]) -> list[str]:
    """The choices that are the same for every block, each in a few words."""
    first = architecture["block_order"] == "spatial_first"
    order = "depthwise, expand, project" if first else "expand, depthwise, project"
    scale = architecture["ls_init_value"]
    return [
        f"Block: {order}",
        f"expansion {architecture['expansion_ratio']:g}",
        f"{word(architecture['pointwise'])} pointwise",
        f"{architecture['norms_per_block']} × {word(architecture['norm_layer'])}",
        f"{architecture['acts_per_block']} × {word(architecture['act_layer'])}",
        f"layer scale {scale:g}" if scale is not None else "no layer scale",
        f"downsampling {word(architecture['downsampling'])}",
    ]
