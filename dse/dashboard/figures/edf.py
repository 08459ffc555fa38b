"""EDFs of the error."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dse.analysis.distributions import Edf, edf
from dse.analysis.estimate import FloatArray
from dse.analysis.population import first_seeds, outcomes
from dse.dashboard import theme
from dse.dashboard.figures.common import ERROR, error_range, styled
from dse.dashboard.labels import plain


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
