"""Learning curves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from dse.analysis.distributions import quartiles
from dse.analysis.estimate import FloatArray
from dse.analysis.population import first_seeds
from dse.dashboard import theme
from dse.dashboard.figures.common import ERROR, error_range, styled
from dse.dashboard.labels import label


def curves_figure(
    population: pd.DataFrame,
    curves: pd.DataFrame,
    *,
    best: int | None = None,
    worst: int | None = None,
) -> go.Figure:
    """Held-out error by epoch: median, middle half, and two networks picked out by index.

    A network that ended badly is worse than every error from its last epoch on, so the band
    opens upwards where a quarter of the networks have no error.
    """
    rows = first_seeds(population)
    first = curves[(curves["replicate"] == 0) & curves["index"].isin(rows["index"])]
    figure = go.Figure()
    if first.empty:
        return styled(figure, 380, xaxis={"title": {"text": "Epoch"}})
    table = first.pivot_table(index="index", columns="epoch", values="error").reindex(rows["index"])
    epochs = table.columns.to_numpy()
    errors = table.to_numpy(dtype=np.float64)
    low, high = error_range(errors)
    lower, median, upper = np.minimum(ERROR.factor * _quartiles_by_epoch(errors, rows), high)
    line = {"mode": "lines", "hoverinfo": "skip"}
    figure.add_scatter(x=epochs, y=lower, line={"width": 0}, showlegend=False, **line)
    figure.add_scatter(
        x=epochs,
        y=upper,
        line={"width": 0},
        fill="tonexty",
        fillcolor=theme.fade(theme.NETWORK, 0.16),
        name=f"middle half of n = {len(rows)}",
        **line,
    )
    _add_curve(figure, epochs, median, "median", theme.NETWORK)
    picked = ((best, "best", theme.BEST), (worst, "worst", theme.WORST))
    for index, name, colour in picked:
        if index is not None and index in table.index:
            y = ERROR.factor * table.loc[index].to_numpy(dtype=np.float64)
            _add_curve(figure, epochs, y, f"{name}: network {index}", colour)
    return styled(
        figure,
        380,
        xaxis={"title": {"text": label("epoch").axis}, "tickformat": "d"},
        yaxis={"title": {"text": ERROR.axis}, "range": [low, high]},
        legend={"orientation": "h", "yref": "paper", "y": 1.02, "yanchor": "bottom", "x": 0},
    )


def _quartiles_by_epoch(errors: FloatArray, rows: pd.DataFrame) -> FloatArray:
    """Quartiles (3, epochs) of `errors` (networks, epochs), infinite among bad ends."""
    bad = (rows["state"] != "complete").to_numpy()[:, None]
    known = np.where(np.isnan(errors) & bad, np.inf, errors)
    columns = [column[~np.isnan(column)] for column in known.T]
    return np.array([[quartile.value for quartile in quartiles(column)] for column in columns]).T


def _add_curve(
    figure: go.Figure, x: NDArray[np.generic], y: FloatArray, name: str, colour: str
) -> None:
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines+markers",
        line={"color": colour, "width": 2},
        marker={"size": 5},
        name=name,
        hovertemplate=f"epoch %{{x}}: %{{y:.1f}} %<extra>{name}</extra>",
    )
