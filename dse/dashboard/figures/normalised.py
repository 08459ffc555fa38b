"""EDFs of networks weighted to be of the same complexities (Radosavovic et al. 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dse.analysis.distributions import Normalisation, complexity_weights, edf, weighted_edf
from dse.analysis.population import first_seeds, outcomes
from dse.dashboard.figures.brush import brushed, number_axis
from dse.dashboard.figures.common import ERROR, Look, by_study
from dse.dashboard.figures.edf import add_band, add_curve, edf_range, ended, framed
from dse.dashboard.labels import label

ENDS: Final = (2.5, 97.5)
"""Percentiles of each study beyond which a few networks would stand for whole bins."""


@dataclass(frozen=True, kw_only=True)
class Normalised:
    """Networks of several studies, with weights that make their `column` uniform in all.

    `parts` are the first seeds of each study whose `column` is known, in the order of `weights`.
    """

    column: str
    parts: tuple[tuple[Look, pd.DataFrame], ...]
    weights: Normalisation

    @property
    def words(self) -> list[str]:
        """A sentence a study: the range, the bins, n and what it is worth, who is left out."""
        axis = label(self.column).axis
        return [
            f"{look.study}: {self.weights.words(number, axis)}."
            for number, (look, _) in enumerate(self.parts)
        ]


def normalise(population: pd.DataFrame, column: str, looks: Sequence[Look] = ()) -> Normalised:
    """Weights that make `column` uniform over what the studies (column `study`) have in common.

    That is the range in which the middle 95 % of each one's networks lie.

    Raises:
        UserError: they have nothing in common.
    """
    rows = first_seeds(population)
    parts = tuple(by_study(rows[rows[column].notna()], looks))
    factor = label(column).factor
    values = [factor * part[column].to_numpy(dtype=np.float64) for _, part in parts]
    low, high = np.array([np.percentile(value, ENDS) for value in values]).T
    weights = complexity_weights(values, limits=(float(low.max()), float(high.min())))
    return Normalised(column=column, parts=parts, weights=weights)


def normalised_edf_figure(found: Normalised, confidence: float = 0.95) -> go.Figure:
    """EDF of the weighted networks with its band, one a study; thin and dotted the plain EDF."""
    figure = go.Figure()
    limits = edf_range(np.concatenate([outcomes(part) for _, part in found.parts]))
    for number, (look, part) in enumerate(found.parts):
        result = outcomes(part)
        weight, strata = found.weights.weights[number], found.weights.strata[number]
        curve = weighted_edf(result, weight, strata=strata, confidence=confidence)
        add_band(figure, curve, look, limits, named=number == 0)
        bad = ended(int(np.isinf(result[weight > 0]).sum()))
        words = f"{look.name}<br>n = {curve.n:,}, worth {curve.effective_n:,.0f}{bad}"
        add_curve(figure, curve, look, limits, words)
        finite = result[np.isfinite(result)]
        plain = edf(finite, len(result), band="pointwise")
        style = {"line": {"width": 1.2, "dash": "dot"}, "showlegend": number == 0}
        add_curve(figure, plain, look, limits, "all networks, equally weighted", **style)
    framed(figure, limits)
    name = label(found.column).name.lower().replace("flops", "FLOPs")
    figure.update_xaxes(title={"text": f"{ERROR.axis}, {name} made uniform"})
    return brushed(figure, x=number_axis("error"))
