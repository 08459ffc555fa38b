"""Several comparisons at once: p-values that keep their promise together."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from dse.analysis.estimate import FloatArray


def holm(p_values: ArrayLike) -> FloatArray:
    """Holm's step-down adjusted p-values in the order given (Holm 1979).

    The i-th smallest of m, times m - i + 1, no smaller than the one before, at most 1. Rejecting
    where they are at most alpha, the chance of any false rejection is at most alpha, however the
    tests depend on each other. NaN, a test that could not be made, stays and is not one of the m.
    """
    p = np.asarray(p_values, dtype=np.float64)
    made = np.flatnonzero(~np.isnan(p))
    order = made[np.argsort(p[made], kind="stable")]
    adjusted = np.full_like(p, np.nan)
    stepped = p[order] * np.arange(order.size, 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1)
    return adjusted
