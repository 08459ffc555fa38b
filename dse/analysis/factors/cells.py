"""The error at every pair of levels of two parameters: what a heat map shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from dse.analysis.estimate import FloatArray
from dse.analysis.factors.levels import Factor, IntArray, Networks

FEW = 5
"""A mean of fewer networks than that says little."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Cells:
    """Networks by their levels of two parameters, arrays of shape (levels, levels).

    `n` networks, of these `bad` ended badly. `mean` is the mean capped error [fraction], NaN where
    there is no network, with Student's t interval, infinite where there is but one.
    """

    factors: tuple[Factor, Factor]
    n: IntArray
    bad: IntArray
    mean: FloatArray
    lower: FloatArray
    upper: FloatArray
    confidence: float

    @property
    def is_few(self) -> IntArray:
        """Cells, as rows (level, level), of some networks that are too few for their mean."""
        return np.argwhere((self.n > 0) & (self.n < FEW))


def cells(found: Networks, names: tuple[str, str], confidence: float = 0.95) -> Cells:
    """The cells of two parameters of `found`, in the order of their `names`."""
    by_name = {factor.name: factor for factor in found.factors}
    a, b = by_name[names[0]], by_name[names[1]]
    shape = len(a.levels), len(b.levels)
    codes = a.codes * shape[1] + b.codes

    def total(weights: FloatArray) -> FloatArray:
        return np.bincount(codes, weights, shape[0] * shape[1]).astype(np.float64)

    n = np.bincount(codes, minlength=shape[0] * shape[1])
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total(found.capped) / n
        spread = total((found.capped - mean[codes]) ** 2) / (n - 1)
        half = stats.t.ppf((1 + confidence) / 2, np.maximum(n - 1, 1)) * np.sqrt(spread / n)
    half = np.where(n == 1, np.inf, half)
    return Cells(
        factors=(a, b),
        n=n.reshape(shape),
        bad=total(found.bad.astype(np.float64)).astype(np.int64).reshape(shape),
        mean=mean.reshape(shape),
        lower=(mean - half).reshape(shape),
        upper=(mean + half).reshape(shape),
        confidence=confidence,
    )
