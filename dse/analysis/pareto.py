"""Which networks no other one beats in every respect."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def pareto_front(values: ArrayLike) -> NDArray[np.bool_]:
    """Which points no other point dominates, of shape (n,).

    A point dominates another if it is at most as large everywhere and smaller somewhere. Equal
    points do not dominate each other.

    Args:
        values: what is minimised, shape (n, objectives); finite.
    """
    points = np.asarray(values, dtype=np.float64)
    front = np.ones(len(points), dtype=np.bool_)
    for row, point in enumerate(points):
        dominates = (points <= point).all(axis=1) & (points < point).any(axis=1)
        front[row] = not dominates.any()
    return front
