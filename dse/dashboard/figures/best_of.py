"""Random-search efficiency: how good the best of k networks is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dse.analysis.distributions import BestOf, best_of
from dse.analysis.distributions.quantiles import SUPPORT
from dse.analysis.estimate import FloatArray
from dse.analysis.population import capped, first_seeds, outcomes
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
    most = 1
    reached: list[FloatArray] = []
    for look, rows in by_study(first_seeds(population), looks):
        result, most = outcomes(rows), max(most, len(rows))
        classes = rows.get("classes", 0)
        points = best_of(capped(result, classes), ks(len(rows)), confidence=confidence)
        bad = int(np.isinf(result).sum())
        ended = f", {bad:,} of them as guessing" if bad else ""
        known = [point for point in points if _is_known(point)]
        if len(known) > 1:
            _add_band(figure, look, known)
        _add_curves(figure, look, points, len(known), f"{look.name}<br>n = {len(rows):,}{ended}")
        reached += [_values(points, "value"), _values(known, "lower"), _values(known, "upper")]
    styled(
        figure,
        380,
        xaxis={
            "title": {"text": "Networks drawn at random, k"},
            **number_axis_of("log", np.array([1.0, MOST_K])),
            "range": [-0.03, 1.02 * np.log10(max(ks(most)[-1], 2))],
        },
        yaxis=error_axis(error_range(np.concatenate([[], *reached]) / ERROR.factor)),
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


def _values(points: Sequence[BestOf], name: str) -> FloatArray:
    """Of each point the `value` or a bound, in shown units."""
    return np.array([ERROR.factor * getattr(point.error, name) for point in points])


def _add_band(figure: go.Figure, look: Look, points: Sequence[BestOf]) -> None:
    """The intervals, which the legend names the first time."""
    band = {
        "x": [point.k for point in points],
        "mode": "lines",
        "line": {"width": 0},
        "hoverinfo": "skip",
    }
    name = f"{100 * points[0].error.confidence:g} % interval at each k"
    named = any(trace.name == name for trace in figure.data)
    figure.add_scatter(y=_values(points, "lower"), showlegend=False, **band)
    figure.add_scatter(
        y=_values(points, "upper"),
        fill="tonexty",
        fillcolor=theme.fade(look.colour, theme.BAND),
        name=name,
        showlegend=not named,
        **band,
    )


def _add_curves(
    figure: go.Figure, look: Look, points: Sequence[BestOf], known: int, name: str
) -> None:
    """The expectation: as a line over the first `known` points, from where on it is dotted."""
    parts = [(points[:known], "solid"), (points[max(known - 1, 0) :], "dot")]
    for number, (part, dash) in enumerate(part for part in parts if part[0]):
        alone = dash == "solid" and known == 1
        figure.add_scatter(
            x=[point.k for point in part],
            y=_values(part, "value"),
            error_y=_bars(part) if alone else None,
            mode="lines+markers" if alone else "lines",
            line={"color": look.colour, "width": 2.5, "dash": dash},
            name=name,
            legendgroup=look.study,
            showlegend=number == 0,
            customdata=[_interval(point) for point in part],
            hovertemplate="best of %{x}: %{y:.1f} % on average%{customdata}"
            f"<extra>{look.name}</extra>",
        )


def _bars(points: Sequence[BestOf]) -> dict[str, object]:
    value = _values(points, "value")
    return {
        "type": "data",
        "symmetric": False,
        "array": _values(points, "upper") - value,
        "arrayminus": value - _values(points, "lower"),
    }


def _is_known(point: BestOf) -> bool:
    """Whether it has an interval."""
    return bool(np.isfinite(point.error.upper - point.error.lower))


def _interval(point: BestOf) -> str:
    error = point.error
    if not _is_known(point):
        return ", no interval: too few networks"
    low, high = ERROR.factor * error.lower, ERROR.factor * error.upper
    return f", {100 * error.confidence:g} % interval {low:.1f} to {high:.1f}"
