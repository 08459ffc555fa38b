"""What a figure tells the page of its axes and traces, so that a selection in it means networks.

A box on a figure becomes conditions on columns of the networks' table; a trace says what its points
are, so that the page can fade those that are not selected or draw the selection's own curve.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import plotly.graph_objects as go

from dse.dashboard.labels import label
from dse.space.language.narrow import text

Axis = dict[str, Any]
Role = Literal["networks", "edf", "curves"]


def number_axis(column: str) -> Axis:
    """An axis of numbers of the population's `column`, shown in the unit of its label."""
    return {"column": column, "factor": label(column).factor}


def level_axis(column: str, levels: Iterable[object]) -> Axis:
    """An axis with one of `levels`, as stored, at each of the places 0, 1, ..."""
    return {"column": column, "levels": [text(level) for level in levels]}  # type: ignore[arg-type]


def brushing(*, x: Axis | None = None, y: Axis | None = None) -> dict[str, Any]:
    """What a layout says of what a box on its figure selects."""
    axes = {name: axis for name, axis in (("x", x), ("y", y)) if axis is not None}
    return {"meta": {"brush": axes}, "dragmode": "select"}


def brushed(figure: go.Figure, *, x: Axis | None = None, y: Axis | None = None) -> go.Figure:
    """`figure` with what a box on it selects."""
    return figure.update_layout(**brushing(x=x, y=y))


def role(what: Role, study: object) -> dict[str, str]:
    """The `meta` of a trace: what it is, and of which study."""
    return {"role": what, "study": str(study)}
