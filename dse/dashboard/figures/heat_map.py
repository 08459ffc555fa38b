"""The mean error at every pair of levels of two parameters."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dse.analysis.factors.cells import FEW, Cells
from dse.dashboard import theme
from dse.dashboard.figures.brush import brushed
from dse.dashboard.figures.common import ERROR
from dse.dashboard.figures.levels import factor_axis, factor_name, level_ticks, level_words
from dse.dashboard.figures.small import small

ROW, FRAME = 36, 104  # px
_INSET = 0.46


def heat_map(
    cells: Cells, limits: tuple[float, float], print_: str, columns: Collection[str] = ()
) -> go.Figure:
    """Mean capped errors of `cells` on colours from `limits[0]` to `limits[1]` [%], with n in each.

    Cells of fewer than five networks have a dotted frame; empty ones are blank. The parameter with
    more levels goes downwards. `print_` is the small print; a box selects by those parameters that
    are among the `columns` of the networks' table.
    """
    if cells.n.shape[0] < cells.n.shape[1]:
        cells = _turned(cells)
    down, across = cells.factors
    shown = ERROR.factor * cells.mean
    figure = go.Figure()
    figure.add_heatmap(
        z=shown,
        zmin=limits[0],
        zmax=limits[1],
        colorscale=[list(stop) for stop in theme.ERRORS],
        showscale=False,
        xgap=2,
        ygap=2,
        hoverinfo="skip",
    )
    _add_texts(figure, cells, limits)
    rows = len(down.levels)
    small(
        figure,
        f"{factor_name(down.name)} × {factor_name(across.name)}",
        print_,
        FRAME + ROW * rows,
        shapes=[_frame(row, column) for row, column in cells.is_few.tolist()],
        xaxis=level_ticks(
            [name.replace(" ", "<br>") for name in level_words(across)],
            range=[-0.5, len(across.levels) - 0.5],
            tickangle=0,
            title={"text": factor_name(across.name), "font": {"size": 12}},
        ),
        yaxis=level_ticks(
            level_words(down),
            range=[rows - 0.5, -0.5],
            title={"text": factor_name(down.name), "font": {"size": 12}},
        ),
    )
    x, y = factor_axis(across, columns), factor_axis(down, columns)
    return brushed(figure, x=x, y=y) if x or y else figure


def shown_limits(found: Collection[Cells]) -> tuple[float, float]:
    """The least and the largest mean [%] of all cells that are not of few networks."""
    means = [cells.mean[cells.n >= FEW] for cells in found]
    known = np.concatenate([*means, *(c.mean[c.n > 0] for c in found if not (c.n >= FEW).any())])
    return ERROR.factor * float(known.min()), ERROR.factor * float(known.max())


def _add_texts(figure: go.Figure, cells: Cells, limits: tuple[float, float]) -> None:
    rows, columns = np.nonzero(cells.n)
    value, low, high = (
        ERROR.factor * part[rows, columns] for part in (cells.mean, cells.lower, cells.upper)
    )
    n, bad = cells.n[rows, columns], cells.bad[rows, columns]
    span = max(limits[1] - limits[0], 1e-9)
    figure.add_scatter(
        x=columns,
        y=rows,
        mode="text",
        text=[f"{mean:.1f}<br>n={count:,}" for mean, count in zip(value, n, strict=True)],
        textfont={
            "size": 10.5,
            "color": ["#ffffff" if (m - limits[0]) / span < 0.36 else "#12161c" for m in value],
        },
        customdata=[
            f"mean {_bounds(*numbers)}, n = {count:,}, {ended:,} ended badly"
            for *numbers, count, ended in zip(value, low, high, n, bad, strict=True)
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _frame(row: int, column: int) -> dict[str, Any]:
    sides = {"x0": column - _INSET, "x1": column + _INSET, "y0": row - _INSET, "y1": row + _INSET}
    return {"type": "rect", **sides, "line": {"color": "#1d2530", "width": 1.5, "dash": "dot"}}


def _bounds(value: float, low: float, high: float) -> str:
    if not np.isfinite(low):
        return f"{value:.1f} %"
    return f"{value:.1f} % [{low:.1f}, {high:.1f}]"


def _turned(cells: Cells) -> Cells:
    """The same with the parameters the other way round."""
    return Cells(
        factors=(cells.factors[1], cells.factors[0]),
        **{key: getattr(cells, key).T for key in ("n", "bad", "mean", "lower", "upper")},
        confidence=cells.confidence,
    )
