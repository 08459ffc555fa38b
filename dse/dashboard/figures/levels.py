"""The levels of a parameter on an axis: how they are called, and what a box over them selects."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from dse.analysis.factors.effects import PREFIX
from dse.analysis.factors.levels import ABSENT, Factor
from dse.dashboard.figures.brush import Axis, level_axis
from dse.dashboard.labels import label, word


def factor_name(name: str) -> str:
    """How a parameter is called."""
    return label(f"{PREFIX}{name}").name


def level_words(factor: Factor) -> list[str]:
    """The levels as shown; of groups of numbers both ends."""
    numbers = [
        f"{low:.4g}" if low == high else f"{low:.4g}–{high:.4g}" for low, high in factor.edges
    ]
    return numbers + [word(level) for level in factor.levels[len(numbers) :]]


def factor_axis(factor: Factor, columns: Collection[str]) -> Axis | None:
    """What a box over the places 0, 1, ... of a factor's levels selects.

    `ranges` are the ends of groups of numbers, as stored, null for networks that have no number.
    None where the parameter is none of the `columns` of the networks' table.
    """
    column = f"{PREFIX}{factor.name}"
    if column not in columns:
        return None
    if all(low == high for low, high in factor.edges):
        alone = [low for low, _ in factor.edges]
        return level_axis(column, [*alone, *factor.levels[len(alone) :]])
    ranges: list[list[float] | None] = [[low, high] for low, high in factor.edges]
    return {"column": column, "ranges": ranges + [None] * (ABSENT in factor.levels)}


def level_ticks(words: list[str], **axis: Any) -> dict[str, Any]:
    """An axis with a name at each of the places 0, 1, ..."""
    return {
        "tickmode": "array",
        "tickvals": list(range(len(words))),
        "ticktext": words,
        "tickfont": {"size": 11},
        "showgrid": False,
        "ticks": "",
        **axis,
    }


def bands(starts: Sequence[float], ends: Sequence[float]) -> list[dict[str, Any]]:
    """Shapes that put every other group of rows of a tall figure on a faint ground."""
    ground = {"fillcolor": "rgba(138,143,152,0.10)", "line": {"width": 0}, "layer": "below"}
    sides = {"type": "rect", "xref": "paper", "x0": 0, "x1": 1}
    rows = list(zip(starts, ends, strict=True))[::2]
    return [ground | sides | {"y0": start, "y1": end} for start, end in rows]
