"""Random-search efficiency: how good the best of k networks is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dse.analysis.distributions import BestOf, best_of
from dse.analysis.distributions.best_of import SUPPORT
from dse.analysis.estimate import FloatArray
from dse.analysis.factors.levels import capped
from dse.analysis.population import first_seeds, outcomes
from dse.dashboard import theme
from dse.dashboard.figures.common import (
    ERROR,
    LEGEND,
    Look,
    by_study,
    error_axis,
    error_range,
    number_axis_of,
    styled,
)

MOST_POINTS: Final = 13
MOST_K: Final = 1000
"""Of larger k little is asked; each costs a pass over all networks."""


def best_of_figure(
    population: pd.DataFrame, looks: Sequence[Look] = (), confidence: float = 0.95
) -> go.Figure:
    """The mean error of the best of k random networks, one training each; a curve a study.

    The expectation is exact over all subsets; the band is the interval at each k by itself, and
    ends where the population is less than 20 k, from where on the curve is dotted. A network that
    ended badly counts as one that guesses.
    """
    figure = go.Figure()
    reached: list[FloatArray] = []
    for number, (look, rows) in enumerate(by_study(first_seeds(population), looks)):
        result = outcomes(rows)
        classes = int(rows["classes"].max()) if "classes" in rows else 0
        points = best_of(capped(result, classes), ks(len(rows)), confidence=confidence)
        bad = int(np.isinf(result).sum())
        _add(figure, look, points, len(rows), bad, named=number == 0)
        reached.append(np.array([_ends(point) for point in points]).ravel())
    styled(
        figure,
        380,
        xaxis={
            "title": {"text": "Networks drawn at random, k"},
            **number_axis_of("log", np.array([1.0, MOST_K])),
        },
        yaxis=error_axis(error_range(np.concatenate(reached or [np.array([])]))),
        legend=LEGEND,
    )
    return figure


def ks(n: int) -> list[int]:
    """The sizes of search that are drawn of `n` networks: 1 to n, or 1,000, even on a log axis.

    The last with an interval is one of them.
    """
    top = min(n, MOST_K)
    even = np.rint(np.geomspace(1, top, MOST_POINTS)).astype(int)
    return sorted({*even.tolist(), min(max(n // SUPPORT, 1), top)})


def _ends(point: BestOf) -> tuple[float, float, float]:
    error = point.error
    bounds = (error.lower, error.upper) if np.isfinite(error.upper - error.lower) else ()
    return (error.value, *(bounds or (error.value, error.value)))


def _add(
    figure: go.Figure, look: Look, points: Sequence[BestOf], n: int, bad: int, *, named: bool
) -> None:
    known = [point for point in points if np.isfinite(point.error.upper - point.error.lower)]
    if known:
        x = [point.k for point in known]
        band = {"x": x, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
        lower = [ERROR.factor * point.error.lower for point in known]
        upper = [ERROR.factor * point.error.upper for point in known]
        figure.add_scatter(y=lower, showlegend=False, **band)
        figure.add_scatter(
            y=upper,
            fill="tonexty",
            fillcolor=theme.fade(look.colour, 0.16),
            name=f"{100 * known[0].error.confidence:g} % interval at each k",
            showlegend=named,
            **band,
        )
    ended = f", {bad:,} of them as guessing" if bad else ""
    first_without = max(len(known) - 1, 0)
    parts = ((points[: len(known)], "solid"), (points[first_without:], "dot"))
    shown = [(part, dash) for part, dash in parts if len(part) > (dash == "dot" and bool(known))]
    for place, (part, dash) in enumerate(shown):
        figure.add_scatter(
            x=[point.k for point in part],
            y=[ERROR.factor * point.error.value for point in part],
            mode="lines",
            line={"color": look.colour, "width": 2.5, "dash": dash},
            name=f"{look.name}<br>n = {n:,}{ended}",
            legendgroup=look.study,
            showlegend=place == 0,
            customdata=[_interval(point) for point in part],
            hovertemplate="best of %{x}: %{y:.1f} % on average%{customdata}"
            f"<extra>{look.name}</extra>",
        )


def _interval(point: BestOf) -> str:
    error = point.error
    if not np.isfinite(error.upper - error.lower):
        return ", no interval: too few networks"
    low, high = ERROR.factor * error.lower, ERROR.factor * error.upper
    return f", {100 * error.confidence:g} % interval {low:.1f} to {high:.1f}"
