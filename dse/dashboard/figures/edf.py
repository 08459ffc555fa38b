"""EDFs of the error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from dse.analysis.distributions import BandKind, Edf, edf
from dse.analysis.estimate import FloatArray
from dse.analysis.population import first_seeds, outcomes
from dse.dashboard import theme
from dse.dashboard.figures.brush import brushed, number_axis, role
from dse.dashboard.figures.common import (
    ERROR,
    LEGEND,
    Look,
    by_study,
    error_axis,
    error_range,
    styled,
)

HEIGHT = 400
STEPS: Final = 600
TAIL: Final = 100
HOVER: Final = "%{y:.1f} % of the networks up to %{x:.1f} % error"


def edf_figure(
    population: pd.DataFrame,
    looks: Sequence[Look] = (),
    *,
    band: BandKind = "equal_levels",
    confidence: float = 0.95,
) -> go.Figure:
    """EDF of the error with its band, one curve a study (column `study`)."""
    figure = go.Figure()
    rows = first_seeds(population)
    limits = edf_range(outcomes(rows))
    for number, (look, group) in enumerate(by_study(rows, looks)):
        result = outcomes(group)
        errors = result[np.isfinite(result)]
        curve = edf(errors, len(result), confidence, band)
        add_band(figure, curve, look, limits, named=number == 0)
        words = f"{look.name}<br>n = {curve.n:,}{ended(len(result) - len(errors))}"
        add_curve(figure, curve, look, limits, words, meta=role("edf", look.study))
    return framed(figure, limits)


def edf_range(values: FloatArray) -> tuple[float, float]:
    """Axis range [%] without a long tail of few errors: their share is what the curve lacks there.

    It ends half the spread of the middle 96 % beyond them, or at the largest error.
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return error_range(finite)
    low, high = np.percentile(finite, (2, 98))
    return error_range(np.minimum(finite, high + (high - low) / 2))


def ended(bad: int) -> str:
    """What a legend says of networks without an error; nothing where there are none."""
    return f", {bad:,} of them without an error" if bad else ""


def framed(figure: go.Figure, limits: tuple[float, float]) -> go.Figure:
    """`figure` with the axes of an EDF, errors [%] between `limits`."""
    styled(
        figure,
        HEIGHT,
        xaxis=error_axis(limits),
        yaxis={
            "title": {"text": "Share of networks below"},
            "range": [0, 102],
            "ticksuffix": " %",
        },
        legend=LEGEND,
    )
    return brushed(figure, x=number_axis("error"))


def add_band(
    figure: go.Figure, curve: Edf, look: Look, limits: tuple[float, float], *, named: bool
) -> None:
    """The band of a study; the legend names it if `named`."""
    kept = _kept(curve)
    x = _x(curve, kept, limits)
    band = {
        "mode": "lines",
        "line": {"shape": "hv", "color": look.colour, "width": 0},
        "hoverinfo": "skip",
    }
    figure.add_scatter(x=x, y=_steps(curve.lower[kept], 0.0), showlegend=False, **band)
    figure.add_scatter(
        x=x,
        y=_steps(curve.upper[kept], curve.upper_before),
        fill="tonexty",
        fillcolor=theme.fade(look.colour, theme.BAND),
        name=curve.band_words,
        showlegend=named,
        **band,
    )


def add_curve(
    figure: go.Figure,
    curve: Edf,
    look: Look,
    limits: tuple[float, float],
    name: str,
    **style: Any,
) -> None:
    """The curve of a study, called `name` in the legend."""
    line = style.pop("line", {})
    kept = _kept(curve)
    figure.add_scatter(
        x=_x(curve, kept, limits),
        y=_steps(curve.fraction[kept], 0.0),
        mode="lines",
        line={"shape": "hv", "color": look.colour, "width": 2.5} | line,
        name=name,
        hovertemplate=f"{HOVER}<extra>{look.name}</extra>",
        **style,
    )


def _kept(curve: Edf) -> NDArray[np.intp]:
    """Which steps are drawn: all of few; of many both tails, and the rest to a share of 1/600."""
    steps = curve.errors.size
    if steps <= STEPS + 2 * TAIL:
        return np.arange(steps)
    top = float(curve.fraction[-1])
    even = np.searchsorted(curve.fraction, np.linspace(0, top, STEPS))
    tails = np.concatenate([np.arange(TAIL), np.arange(steps - TAIL, steps)])
    return np.unique(np.concatenate([even, tails]).clip(0, steps - 1))


def _x(curve: Edf, kept: NDArray[np.intp], limits: tuple[float, float]) -> FloatArray:
    inner = ERROR.factor * curve.errors[kept]
    far = max(limits[1], float(inner[-1])) if inner.size else limits[1]
    return np.concatenate([[limits[0]], inner, [far]]).astype(np.float32)


def _steps(levels: FloatArray, start: float) -> FloatArray:
    inner = np.concatenate([[start], levels])
    return (100 * np.concatenate([inner, inner[-1:]])).astype(np.float32)
