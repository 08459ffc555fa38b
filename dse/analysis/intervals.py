"""Student's t interval, wherever a value has a standard error with known degrees of freedom."""

from __future__ import annotations

import numpy as np
from scipy import stats

from dse.analysis.estimate import Estimate, FloatArray


def t_interval(
    value: float, error: float, degrees: float, n: int, confidence: float = 0.95
) -> Estimate:
    """`value` -+ Student's t with `degrees` of freedom times its standard `error`.

    The bounds are infinite where no degree of freedom is left, and where the error is 0: values
    that are all equal do not tell how much others would differ.
    """
    half = np.inf
    if degrees > 0 and error > 0:
        half = float(stats.t.ppf((1 + confidence) / 2, degrees)) * error
    return Estimate(value=value, lower=value - half, upper=value + half, n=n, confidence=confidence)


def mean_interval(values: FloatArray, confidence: float = 0.95) -> Estimate:
    """Mean of finite `values` (n,) with Student's t interval; infinite bounds of a single one."""
    n = len(values)
    assert n >= 1, "a mean needs a value"
    ordered = np.sort(values)  # so that the order of rows changes no bit
    error = float(ordered.std(ddof=1) / np.sqrt(n)) if ordered[0] < ordered[-1] else 0.0
    return t_interval(float(ordered.mean()), error, n - 1, n, confidence)
