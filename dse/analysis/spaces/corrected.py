"""Several comparisons at once: p-values that keep their promise together."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from dse.analysis.estimate import FloatArray


def holm(p_values: ArrayLike) -> FloatArray:
    """Holm's step-down adjusted p-values (m,) in the order given (Holm 1979).

    The i-th smallest of m, times m - i + 1, no smaller than the one before, at most 1. Rejecting
    where they are at most alpha, the chance of any false rejection is at most alpha, however the
    tests depend on each other.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    stepped = p[order] * np.arange(p.size, 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1)
    return adjusted
