"""Learning curves."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from dse.analysis.distributions import column_quantiles
from dse.analysis.estimate import FloatArray
from dse.analysis.population import first_seeds
from dse.dashboard import theme
from dse.dashboard.figures.brush import role
from dse.dashboard.figures.common import ERROR, LEGEND, error_axis, error_range, styled
from dse.dashboard.labels import label

HEIGHT: Final = 400
BANDS: Final = ((0.1, 0.9, "middle 80 %", 0.16), (0.25, 0.75, "middle half", 0.26))
"""Lower and upper share, name, opacity."""
MOST_MARKED: Final = 40
MOST_TICKS: Final = 12


def curves_figure(
    population: pd.DataFrame,
    curves: pd.DataFrame,
    *,
    best: int | None = None,
    worst: int | None = None,
    study: str = "",
) -> go.Figure:
    """Held-out error by epoch: median, the middle 80 % and half, and two networks by index.

    A network that ended badly is worse than every error from its last epoch on, so a band opens
    upwards where so many networks have no error. `study` is what the page calls it.
    """
    rows = first_seeds(population)
    epochs, errors = curve_table(curves, rows["index"].to_numpy())
    figure = go.Figure()
    styled(
        figure,
        HEIGHT,
        xaxis=epoch_axis(int(epochs.max(initial=0))),
        legend=LEGEND,
        hovermode="closest",
    )
    if not epochs.size:
        return figure
    low, high = error_range(errors)
    bad = (rows["state"] != "complete").to_numpy()[:, None]
    known = np.where(np.isnan(errors) & bad, np.inf, errors)
    for lower, upper, name, opacity in BANDS:
        ends = np.minimum(ERROR.factor * column_quantiles(known, (lower, upper)), high)
        _add_band(figure, epochs, ends, name, theme.fade(theme.NETWORK, opacity))
    median = np.minimum(ERROR.factor * column_quantiles(known, (0.5,))[0], high)
    _add_curve(figure, epochs, median, f"median of n = {len(rows):,}", theme.NETWORK)
    figure.data[-1].meta = role("curves", study)
    index = rows["index"].to_numpy()
    for number, name, shade in ((best, "best", theme.BEST), (worst, "worst", theme.WORST)):
        place = np.flatnonzero(index == (-1 if number is None else number))
        if place.size and np.isfinite(errors[place[0]]).any():
            y = ERROR.factor * errors[place[0]]
            _add_curve(figure, epochs, y, f"{name}: network {number}", shade)
    return figure.update_yaxes(**error_axis((low, high)))


def epoch_axis(last: int) -> dict[str, object]:
    """An axis of whole epochs; a few of them all have their ticks."""
    every = {"dtick": 1} if last <= MOST_TICKS else {}
    return {"title": {"text": label("epoch").axis}, "tickformat": "d", **every}


def curve_table(
    curves: pd.DataFrame, index: NDArray[np.int64]
) -> tuple[NDArray[np.int64], FloatArray]:
    """The epochs (m,) and the errors (n, m) of the first seeds of the networks `index` (n,).

    NaN where a network has none, such as after a bad end.
    """
    first = curves[curves["replicate"] == 0]
    place = pd.Index(index).get_indexer(pd.Index(first["index"]))
    first, place = first[place >= 0], place[place >= 0]
    epochs, column = np.unique(first["epoch"].to_numpy(dtype=np.int64), return_inverse=True)
    errors = np.full((len(index), epochs.size), np.nan)
    errors[place, column] = first["error"].to_numpy(dtype=np.float64)
    return epochs, errors


def _add_band(
    figure: go.Figure, x: NDArray[np.int64], ends: FloatArray, name: str, colour: str
) -> None:
    line = {"x": x, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    figure.add_scatter(y=ends[0], showlegend=False, **line)
    figure.add_scatter(y=ends[1], fill="tonexty", fillcolor=colour, name=name, **line)


def _add_curve(
    figure: go.Figure, x: NDArray[np.int64], y: FloatArray, name: str, colour: str
) -> None:
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines+markers" if x.size <= MOST_MARKED else "lines",
        line={"color": colour, "width": 2},
        marker={"size": 5},
        name=name,
        hovertemplate=f"epoch %{{x}}: %{{y:.1f}} %<extra>{name}</extra>",
    )
