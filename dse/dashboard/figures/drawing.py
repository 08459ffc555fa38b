"""An architecture as a picture: its blocks in a row a stage, as long as deep, as tall as wide."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dse.architecture.cost import layers
from dse.architecture.plan import is_downsampled
from dse.architecture.spec import AFTER_ADD, Architecture
from dse.dashboard import theme
from dse.dashboard.labels import joined, word

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
    rows = [("Stem", 1, architecture.get("stem_width") or dims[0], theme.GREY)]
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
    a = Architecture.from_dict(architecture)
    stem_side, *sides = map_sides(a, resolution)
    patch = f" {a.patch_size}×{a.patch_size}" if a.stem == "patch" else ""
    lines = [f"{name.format('Stem')} {word(a.stem)}{patch}, {resolution} → {stem_side} px"]
    for stage, (depth, width, side) in enumerate(zip(a.depths, a.dims, sides, strict=True)):
        head = name.format(f"Stage {stage + 1}")
        lines.append(f"{head} {depth} × {width}, {_kernels(a, stage)}, {side} px")
    return lines


def map_sides(architecture: Architecture, resolution: int) -> list[int]:
    """Pixels along a side of the map after the stem and after each stage."""
    sides: dict[str, int] = {}
    for layer in layers(architecture, resolution=resolution):
        sides[".".join(layer.name.split(".")[:2])] = math.isqrt(layer.pixels)
    stem = [side for name, side in sides.items() if name.startswith("stem")][-1]
    return [stem, *(sides[f"stages.{stage}"] for stage in range(architecture.stages))]


def _kernels(a: Architecture, stage: int) -> str:
    """The kernel size of a stage, or each block's where they differ."""
    sizes = a.kernel_sizes[stage]
    if isinstance(sizes, tuple):
        return f"kernels {joined(sizes)}"
    return f"kernel {sizes}×{sizes}"


def block_recipe(architecture: Mapping[str, Any]) -> str:
    """What a block is made of, in one line."""
    return "; ".join(recipe_parts(architecture))


def recipe_parts(architecture: Mapping[str, Any]) -> list[str]:
    """The choices that are the same for every block of a stage, each in a few words.

    Where stages differ, their values are joined as in `4-2-2-1`.
    What is not in every description of a network is named only where it departs from the usual.
    """
    a = Architecture.from_dict(architecture)
    scale, basic = a.ls_init_value, a.block_order == "basic"
    return [
        f"Block: {_layer_order(a)}",
        *([] if basic else [_expansion(a), f"{word(a.pointwise)} pointwise"]),
        _placed(word(a.norm_layer), a.norms_per_block),
        _placed(word(a.act_layer), a.acts_per_block),
        f"layer scale {scale:g}" if scale is not None else "no layer scale",
        f"downsampling {word(a.downsampling)}{', from stage 1 on' * is_downsampled(a, 0)}",
        *_departures(a),
    ]


def _expansion(a: Architecture) -> str:
    ratio = a.expansion_ratio
    ratios = ratio if isinstance(ratio, tuple) else (ratio,)
    return f"expansion {joined(f'{ratio:g}' for ratio in ratios)}"


def _layer_order(a: Architecture) -> str:
    spatial = "depthwise"
    if a.group_width is not None:
        widths = a.group_width if isinstance(a.group_width, tuple) else (a.group_width,)
        spatial = f"in groups of {joined(widths)} channels"
    elif a.groups is not None:
        spatial = "dense" if a.groups == 1 else f"in {a.groups} groups"
    inner, outer = _pointwise_names(a)
    order = {
        "spatial_first": (spatial, inner, outer),
        "spatial_middle": (inner, spatial, outer),
        "basic": (spatial, spatial),
    }
    return ", ".join(order[a.block_order])


def _pointwise_names(a: Architecture) -> tuple[str, str]:
    """What the two pointwise layers do to the channels, where it is the same in all stages."""
    widening = {a.stage_expansion_ratio(stage) >= 1 for stage in range(a.stages)}
    if len(widening) > 1:
        return "pointwise", "pointwise"
    return ("expand", "project") if widening == {True} else ("reduce", "expand")


def _placed(name: str, places: int | Sequence[int | str]) -> str:
    """How often, or after which of a block's layers, counted from 1."""
    if isinstance(places, int):
        return f"{places} × {name}"
    after = ["the addition" if p == AFTER_ADD else f"layer {int(p) + 1}" for p in places]
    return f"{name} after {' and '.join(after)}" if after else f"no {name}"


def _departures(a: Architecture) -> list[str]:
    separate = a.downsampling == "separate"
    said = {
        "global response norm": a.grn,
        "biases everywhere": a.bias is True,
        "no biases": a.bias is False,
        f"stem width {a.stem_width}": a.stem_width is not None,
        "no norm after the stem": not a.stem_norm,
        "activation after the stem": a.stem_act is True,
        "no activation after the stem": a.stem_act is False,
        "no norm before downsampling": separate and not a.downsample_norm,
        "no norm on projections": not separate and not a.shortcut_norm,
        "norm before the head": a.head_norm is True,
        "no norm before the head": a.head_norm is False,
        f"stochastic depth {a.drop_path_rate:g}": a.drop_path_rate > 0,
    }
    return [words for words, holds in said.items() if holds]
