"""A number that never travels without its interval and its n."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A point estimate with a two-sided confidence interval.

    `value` and the bounds share one unit (errors: fractions). An infinite bound says that the
    data at hand do not bound the quantity on that side.
    """

    value: float
    lower: float
    upper: float
    n: int
    confidence: float = 0.95


def jsonable(value: Any) -> Any:
    """`value` with tuples as lists, numpy scalars as numbers, infinities as "inf" or "-inf".

    JSON has no infinity; NaN becomes null.
    """
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    if isinstance(value, np.generic):
        return jsonable(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None if np.isnan(value) else ("inf" if value > 0 else "-inf")
    return value
