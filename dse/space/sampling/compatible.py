"""Widths and group widths, as drawn, made to fit each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dse.space.sampling.shapes import Draws


def compatible(
    draws: Draws, *, block_order: str
) -> tuple[NDArray[np.int64], NDArray[np.float64] | None]:
    """Drawn widths such that groups divide them, as RegNet's tools make them.

    A group is at most as wide as the convolution, whose width becomes the nearest multiple of it.

    Args:
        draws: n networks with `dims`.
        block_order: which of a block's widths its groups divide.

    Returns:
        widths and, where groups have one, group widths; both of shape (n, stages).
    """
    dims = np.maximum(1, np.rint(draws["dims"]))
    if "group_width" not in draws or not (draws["group_width"] > 0).any():
        return dims.astype(np.int64), None
    ratios = draws["expansion_ratio"] if block_order == "spatial_middle" else np.ones(dims.shape)
    hidden = np.maximum(1, np.floor(dims * ratios))
    groups = np.minimum(draws["group_width"], hidden)
    whole = np.maximum(ratios, 1).astype(np.int64)
    units = np.lcm(groups.astype(np.int64), whole)
    hidden = np.maximum(units, np.rint(hidden / units) * units)
    return np.floor(hidden / ratios).astype(np.int64), groups
