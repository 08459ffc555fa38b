"""Seed noise: the errors of networks that were trained twice."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray
from scipy import stats

from dse.analysis.estimate import Estimate, FloatArray
from dse.analysis.intervals import mean_interval
from dse.analysis.population import ENDED_STATES, outcomes
from dse.analysis.reliability import Reliability
from dse.dashboard import theme
from dse.dashboard.figures.brush import brushed, number_axis, role
from dse.dashboard.figures.common import ERROR, LEGEND, error_axis, error_range, styled
from dse.dashboard.figures.points import MOST_DRAWN, drawn

HEIGHT: Final = 500
BETWEEN: Final = 0.95
"""The band around equal errors holds this share of pairs of one network's errors."""
Mask = NDArray[np.bool_]


def seed_pairs(population: pd.DataFrame) -> pd.DataFrame:
    """Networks whose first two seeds have ended, by index: `state` and outcomes `error`, `second`.

    `error` and `second` are infinite where that training ended badly.
    """
    ended = population[population["state"].isin(ENDED_STATES)]
    parts = [ended[ended["replicate"] == seed].set_index("index") for seed in (0, 1)]
    first, second = (pd.Series(outcomes(part), index=part.index) for part in parts)
    found = pd.DataFrame({"error": first, "second": second}).dropna().reset_index()
    return found.assign(state=np.where(np.isinf(found["error"]), "failed", "complete"))


def chosen_shift(pairs: pd.DataFrame, random_subset: int) -> Estimate | None:
    """By how much the second error of those chosen for their first one is larger, on average."""
    both = np.isfinite(pairs["error"]) & np.isfinite(pairs["second"])
    chosen = pairs[both & (pairs["index"] >= random_subset)]
    if chosen.empty:
        return None
    return mean_interval((chosen["second"] - chosen["error"]).to_numpy(dtype=np.float64))


def seeds_figure(
    pairs: pd.DataFrame,
    random_subset: int,
    result: Reliability,
    *,
    study: str = "",
    most: int = MOST_DRAWN,
) -> go.Figure:
    """The second seed's error of `pairs` against the first one's.

    Networks with an index below `random_subset` got their second seed at random, the others for
    their good first error; these are marked apart, as they are no measure of noise. The band is
    where 95 % of pairs lie by the seed's noise alone. Crosses at the frame ended badly.
    """
    x, y = (ERROR.factor * pairs[name].to_numpy(dtype=np.float64) for name in ("error", "second"))
    low, high = error_range(np.concatenate([x, y]) / ERROR.factor)
    edge = high - 0.03 * (high - low)
    figure = go.Figure()
    _add_band(figure, result.seed_std, low, high)
    random = pairs["index"].to_numpy() < random_subset
    shown = drawn(pairs, most=most)
    whole = np.isfinite(x) & np.isfinite(y)
    shift = chosen_shift(pairs, random_subset)
    groups: tuple[tuple[Mask, str, dict[str, object]], ...] = (
        (random, _random_words(int(random.sum()), result), {"color": theme.NETWORK}),
        (
            ~random,
            _chosen_words(int((~random).sum()), shift),
            {"color": theme.BEST, "symbol": "diamond"},
        ),
    )
    index = pairs["index"].to_numpy()
    common = {"mode": "markers", "meta": role("networks", study)}
    for group, name, mark in groups:
        points = group & shown & whole
        if group.any():
            figure.add_scatter(
                x=x[points],
                y=y[points],
                marker={"size": 7, "opacity": 0.6 if points.sum() > 200 else 0.85} | mark,
                customdata=index[points],
                name=name,
                hovertemplate="network %{customdata}: %{x:.1f} %, then %{y:.1f} %<extra></extra>",
                **common,
            )
    bad = shown & ~whole
    figure.add_scatter(
        x=np.minimum(x[bad], edge),
        y=np.minimum(y[bad], edge),
        marker={"color": theme.BAD, "size": 7, "symbol": "x"},
        customdata=index[bad],
        hovertemplate="network %{customdata}: a seed without an error<extra></extra>",
        showlegend=False,
        **common,
    )
    styled(
        figure,
        HEIGHT,
        xaxis=error_axis((low, high))
        | {"title": {"text": "Error with the first seed [%]"}, "constrain": "domain"}
        | {"constraintoward": "left"},
        yaxis=error_axis((low, high))
        | {"title": {"text": "Error with the second seed [%]"}, "constrain": "domain"}
        | {"scaleanchor": "x", "constraintoward": "top"},
        legend=LEGEND,
        hovermode="closest",
    )
    return brushed(figure, x=number_axis("error"))


def _add_band(figure: go.Figure, noise: Estimate | None, low: float, high: float) -> None:
    ends: FloatArray = np.array([low, high])
    quiet = {"x": ends, "mode": "lines", "hoverinfo": "skip"}
    if noise:
        half = float(stats.norm.ppf((1 + BETWEEN) / 2)) * np.sqrt(2) * ERROR.factor * noise.value
        figure.add_scatter(y=ends - half, line={"width": 0}, showlegend=False, **quiet)
        bounds = f"[{ERROR.factor * noise.lower:.2f}, {ERROR.factor * noise.upper:.2f}]"
        figure.add_scatter(
            y=ends + half,
            line={"width": 0},
            fill="tonexty",
            fillcolor=theme.fade(theme.GREY, theme.BAND),
            name=f"{100 * BETWEEN:g} % of pairs by seed noise<br>"
            f"std. dev. {ERROR.factor * noise.value:.2f} {bounds} points, n = {noise.n:,}",
            **quiet,
        )
    line = {"color": theme.GREY, "width": 1.5, "dash": "dash"}
    figure.add_scatter(y=ends, line=line, showlegend=False, **quiet)


def _random_words(n: int, result: Reliability) -> str:
    known = result.icc
    bounds = (
        f"ICC {known.value:.2f} [{known.lower:.2f}, {known.upper:.2f}], n = {known.n:,}"
        if known
        else "ICC not known"
    )
    return f"chosen at random, n = {n:,}<br>{bounds}"


def _chosen_words(n: int, shift: Estimate | None) -> str:
    words = f"chosen for the first error, n = {n:,}"
    if not shift or not np.isfinite(shift.upper):
        return words
    value, low, high = (ERROR.factor * end for end in (shift.value, shift.lower, shift.upper))
    return f"{words}<br>second {value:+.2f} [{low:+.2f}, {high:+.2f}] points"
