"""Outcomes less what ridge regression on the other networks says, and what their means are worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dse.analysis.estimate import FloatArray

PENALTIES = 10.0 ** np.arange(-2, 4.1, 0.5)


@dataclass(frozen=True, kw_only=True)
class AdjustedOutcomes:
    """`values` (n,) are the u_i; the variance of their weighted mean is not that of a plain one.

    For normal outcomes of one spread around the model: sum_g w_g^2 var(u in g) / n_g times `scale`
    is unbiased, and has `degrees` of freedom (Satterthwaite's, as in Bell & McCaffrey 2002).
    """

    values: FloatArray
    scale: float
    degrees: float


def adjusted_outcomes(
    x: FloatArray, y: FloatArray, group: NDArray[np.int64], weights: FloatArray
) -> AdjustedOutcomes:
    """u_i = y_i - x_i . beta_{-i} for features `x` (n, p), zero on the mean of a group's space.

    `y` (n,) = level of the `group` (n,) + x . beta + noise. Features are taken in units of their
    root mean square, those that do not vary left out. Every beta_{-i} is in closed form from one
    singular value decomposition. `weights` are those of the groups in what is to be estimated.
    """
    size = np.sqrt((x**2).mean(axis=0))
    varies = size > 1e-9
    x = x[:, varies] / size[varies]
    counts = np.bincount(group).astype(np.float64)
    levels = (group[:, None] == np.arange(len(counts))) / np.sqrt(counts)  # orthonormal columns
    centred_y = y - levels @ (levels.T @ y)
    left, s, right = np.linalg.svd(x - levels @ (levels.T @ x), full_matrices=False)
    along = left.T @ centred_y
    penalty = _penalty(s, along, float(centred_y @ centred_y), len(y) - len(counts))
    shrunk = s / (s**2 + penalty)
    fitted = np.hstack([levels, left * np.sqrt(s * shrunk)])  # hat matrix: fitted @ fitted.T
    slopes = (x @ right.T) * shrunk  # x . beta = slopes @ along
    own = (slopes * left).sum(axis=1) / (1 - (fitted**2).sum(axis=1))
    residuals = centred_y - left @ (s * shrunk * along)
    values = y - slopes @ along + own * residuals
    # The same as u = Q y with Q = diag(1 + own) - before @ after.T, for the variance of means.
    before, after = np.hstack([slopes, own[:, None] * fitted]), np.hstack([left, fitted])
    scale, degrees = _variance_of_means(1 + own, before, after, levels, weights, counts)
    return AdjustedOutcomes(values=values, scale=scale, degrees=degrees)


def _penalty(s: FloatArray, along: FloatArray, total: float, degrees: int) -> float:
    """The penalty of `PENALTIES` with the greatest restricted likelihood (Patterson & Thompson 1971).

    Ridge regression is the best linear prediction where slopes are normal with variance
    sigma^2 / penalty; so y, less the levels, is normal with sigma^2 (1 + s^2 / penalty) along the
    singular vectors and sigma^2 across them.
    """
    across = max(total - float(along @ along), 0.0)
    ratio = 1 + s**2 / PENALTIES[:, None]
    squares = across + (along**2 / ratio).sum(axis=1)
    if not (squares > 0).all():
        return float(PENALTIES[0])
    return float(PENALTIES[np.argmin(degrees * np.log(squares) + np.log(ratio).sum(axis=1))])


def _variance_of_means(
    diagonal: FloatArray,
    before: FloatArray,
    after: FloatArray,
    levels: FloatArray,
    weights: FloatArray,
    counts: FloatArray,
) -> tuple[float, float]:
    """Scale and degrees of freedom of the variance estimated for a weighted mean of u = Q y.

    The estimate is the quadratic form |K y|^2 with K = sqrt(f) C Q, C centring within groups, f =
    w^2 / (n (n - 1)) of each one's group; the truth is |Q' a|^2 with a = w / n. For independent
    normal y of variance 1 the form has mean tr(K'K) and variance 2 tr(K'K K'K). Q is a diagonal and
    a matrix of low rank, so that neither needs an n x n matrix.
    """
    share = levels @ (weights / np.sqrt(counts))
    truth = diagonal * share - after @ (before.T @ share)
    root = np.abs(levels) @ (np.abs(weights) / np.sqrt(counts - 1))
    b = root[:, None] * np.hstack([levels, before - levels @ (levels.T @ before)])
    a = np.hstack([diagonal[:, None] * levels, after])
    d = root * diagonal  # K = diag(d) - b @ a.T
    mean = (d**2).sum() - 2 * (d[:, None] * a * b).sum() + ((a.T @ a) * (b.T @ b)).sum()
    da = d[:, None] * a
    j, k = np.hstack([-da, b]), np.hstack([b, b @ (a.T @ a) - da])  # K K' = diag(d^2) + j @ k.T
    square = (d**4).sum() + 2 * ((d**2)[:, None] * j * k).sum() + ((j.T @ j) * (k.T @ k)).sum()
    return float(truth @ truth / mean), float(mean**2 / square)
