"""The trainings of one network."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dse.dashboard import theme
from dse.dashboard.figures.common import ERROR, LEGEND, error_axis, error_range, styled
from dse.dashboard.figures.curves import epoch_axis

HEIGHT: Final = 320
_DASHES: Final = ("solid", "dash", "dot", "dashdot")


def trainings_figure(curves: pd.DataFrame, *, colour: str = theme.NETWORK) -> go.Figure:
    """Held-out error by epoch of one network, a line for each seed.

    Args:
        curves: of one network, one row an epoch of a training.
        colour: the study's.
    """
    figure = go.Figure()
    errors = curves["error"].to_numpy(dtype=np.float64)
    for place, (replicate, rows) in enumerate(curves.groupby("replicate", sort=True)):
        name = f"seed {int(str(replicate)) + 1}"
        rows = rows.sort_values("epoch")
        figure.add_scatter(
            x=rows["epoch"].to_numpy(),
            y=ERROR.factor * rows["error"].to_numpy(dtype=np.float64),
            mode="lines+markers",
            line={"color": colour, "width": 2, "dash": _DASHES[place % len(_DASHES)]},
            marker={"size": 5},
            name=name,
            hovertemplate=f"epoch %{{x}}: %{{y:.1f}} %<extra>{name}</extra>",
        )
    return styled(
        figure,
        HEIGHT,
        showlegend=True,
        xaxis=epoch_axis(int(curves["epoch"].max())),
        yaxis=error_axis(error_range(errors)),
        legend=LEGEND,
    )
