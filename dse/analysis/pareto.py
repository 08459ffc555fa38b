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
    if points.shape[1] == 2:
        return _front_of_two(points)
    front = np.ones(len(points), dtype=np.bool_)
    for row, point in enumerate(points):
        dominates = (points <= point).all(axis=1) & (points < point).any(axis=1)
        front[row] = not dominates.any()
    return front


def _front_of_two(points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Of two objectives, by one pass over the points in the order of the first.

    A point is on the front if it has the least second value among those with its first one, and
    all that have a smaller first one have a larger second one.
    """
    front = np.zeros(len(points), dtype=np.bool_)
    if not len(points):
        return front
    first, group = np.unique(points[:, 0], return_inverse=True)
    least = np.full(first.size, np.inf)
    np.minimum.at(least, group, points[:, 1])
    before = np.concatenate([[np.inf], np.minimum.accumulate(least)[:-1]])
    return np.asarray((points[:, 1] == least[group]) & (points[:, 1] < before[group]))
