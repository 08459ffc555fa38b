"""A population's figures: pure functions from DataFrames to Plotly figures.

Each counts the first training of every network, names its n, draws its uncertainty, and shows
the networks without an error too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from dse.analysis.distributions import Edf, edf, quartiles
from dse.analysis.estimate import FloatArray
from dse.analysis.population import first_seeds, outcomes
from dse.dashboard import theme
from dse.dashboard.labels import label, plain
from dse.dashboard.panels import error_panel

MARGIN = {"l": 56, "r": 16, "t": 24, "b": 48}
ERROR = label("error")


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


def edf_figure(population: pd.DataFrame, confidence: float = 0.95) -> go.Figure:
    """EDF of the error with its simultaneous band, one curve a study (column `study`)."""
    figure = go.Figure()
    rows = first_seeds(population)
    low, high = error_range(outcomes(rows))
    for position, (study, group) in enumerate(rows.groupby("study", sort=False)):
        result = outcomes(group)
        errors = result[np.isfinite(result)]
        colour = theme.STUDIES[position % len(theme.STUDIES)]
        curve = edf(errors, len(result), confidence)
        _add_edf(figure, curve, str(study), len(result) - len(errors), colour, (low, high))
    return styled(
        figure,
        400,
        xaxis={"title": {"text": ERROR.axis}, "range": [low, high]},
        yaxis={
            "title": {"text": "Share of networks below"},
            "range": [0, 102],
            "ticksuffix": " %",
        },
        legend={"orientation": "h", "yref": "paper", "y": 1.02, "yanchor": "bottom", "x": 0},
    )


def _add_edf(
    figure: go.Figure, curve: Edf, study: str, bad: int, colour: str, ends: tuple[float, float]
) -> None:
    x = np.concatenate([[ends[0]], ERROR.factor * curve.errors, [ends[1]]])

    def steps(levels: FloatArray, start: float) -> FloatArray:
        inner = np.concatenate([[start], levels])
        return 100 * np.concatenate([inner, inner[-1:]])

    shape = {"shape": "hv", "color": colour}
    band = {"mode": "lines", "line": shape | {"width": 0}, "hoverinfo": "skip"}
    figure.add_scatter(x=x, y=steps(curve.lower, 0.0), showlegend=False, **band)
    figure.add_scatter(
        x=x,
        y=steps(curve.upper, curve.upper_before),
        fill="tonexty",
        fillcolor=theme.fade(colour, 0.16),
        name=curve.band_words,
        **band,
    )
    ended = f", {bad} of them without an error" if bad else ""
    figure.add_scatter(
        x=x,
        y=steps(curve.fraction, 0.0),
        mode="lines",
        line=shape | {"width": 2.5},
        name=f"{plain(study)}<br>n = {curve.n}{ended}",
        hovertemplate="%{y:.0f} % of the networks up to %{x:.1f} % error<extra></extra>",
    )


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


def error_figures(
    population: pd.DataFrame,
    columns: Sequence[str],
    *,
    best: int | None = None,
    worst: int | None = None,
) -> dict[str, go.Figure]:
    """The error against each of `columns`: small panels on one error axis, keyed by column."""
    rows = first_seeds(population)
    limits = error_range(outcomes(rows))
    colours = ((worst, theme.WORST), (best, theme.BEST))
    picked = {index: colour for index, colour in colours if index is not None}
    return {column: error_panel(rows, column, limits, picked) for column in columns}
