"""What all figures share: their frame, the axis of errors, and how studies are told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dse.analysis.estimate import FloatArray
from dse.dashboard import theme
from dse.dashboard.labels import label, plain

MARGIN = {"l": 56, "r": 16, "t": 24, "b": 48}
ERROR = label("error")
SMALL: Final = 11
"""Pixels of small print."""
LEGEND: Final[dict[str, Any]] = {
    "orientation": "h",
    **{"yref": "paper", "y": 1.02, "yanchor": "bottom", "x": 0},
    "traceorder": "normal",
    "tracegroupgap": 0,
}
"""Above the plot, in as many rows as it needs."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a study is told from others: by its name, its colour, and what it is.

    Attributes:
        is_sample: whether its networks are a sample of a space. If not, they are drawn with other
            marks, and no statistic of a population is made of them.
        kind: what it is called where it is no sample.
    """

    study: str
    colour: str
    is_sample: bool = True
    kind: str = "search"

    @property
    def name(self) -> str:
        """As Plotly shows it, with what it is where that is no sample."""
        return plain(self.study) if self.is_sample else f"{plain(self.study)} ({self.kind})"

    @property
    def symbol(self) -> str:
        """The mark of its networks."""
        return "circle" if self.is_sample else "diamond-open"


def looks_of(rows: pd.DataFrame) -> tuple[Look, ...]:
    """A look for each study of the column `study`, in the order of their first rows."""
    names = rows["study"].unique()
    return tuple(
        Look(study=str(name), colour=theme.STUDIES[place % len(theme.STUDIES)])
        for place, name in enumerate(names)
    )


def by_study(rows: pd.DataFrame, looks: Sequence[Look]) -> list[tuple[Look, pd.DataFrame]]:
    """The rows of each study that has any, in the order of `looks` (by default, of the rows)."""
    parts = [(look, rows[rows["study"] == look.study]) for look in looks or looks_of(rows)]
    return [(look, part) for look, part in parts if len(part)]


def styled(figure: go.Figure, height: int, **layout: object) -> go.Figure:
    """`figure` in the one look: light template, tight margins, given height, fluid width."""
    figure.update_layout(template=theme.LIGHT, height=height, autosize=True, margin=MARGIN)
    return figure.update_layout(**layout)


def error_range(values: FloatArray) -> tuple[float, float]:
    """Axis range [%] around finite errors, with room on top for the marks of bad ends."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 100.0
    low, high = ERROR.factor * finite.min(), ERROR.factor * finite.max()
    pad = max(0.08 * (high - low), 0.5)
    return max(low - pad, 0.0), high + 2 * pad


def error_axis(limits: tuple[float, float]) -> dict[str, Any]:
    """An axis of errors [%] with its title."""
    return {"title": {"text": ERROR.axis}, "range": list(limits)}


def number_axis_of(kind: str, x: FloatArray) -> dict[str, Any]:
    """An axis of numbers `x`, `log` or `linear`, with few round ticks: a small panel has room."""
    if kind == "linear":
        return {"type": "linear", "nticks": 6, "tickformat": ",~g"}
    decades = np.arange(np.floor(np.log10(x.min())), np.ceil(np.log10(x.max())) + 1)
    ticks = [digit * 10.0**decade for decade in decades for digit in (1, 2, 5)]
    return {"type": "log", "tickmode": "array", "tickvals": ticks, "tickformat": ",~g"}
