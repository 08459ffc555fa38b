"""What all figures share: their frame, and the axis of errors."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from dse.analysis.estimate import FloatArray
from dse.dashboard import theme
from dse.dashboard.labels import label

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
