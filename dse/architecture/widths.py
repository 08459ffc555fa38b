"""How one width follows from another. Widths may be numbers, or arrays of alternatives."""

from __future__ import annotations

from typing import Any

import numpy as np

from dse.architecture.polynomial import Polynomial

Width = Any
"""An int, an int64 array of alternatives that are all costed at once, or a polynomial."""

HALF_STEM = "half_stem"
"""The symbol of a tiered stem's first width."""


def hidden_width(expansion_ratio: Any, dim: Width) -> Width:
    """Hidden channels of a block: the product rounded to the nearest whole number, at least 1.

    A width that is a symbol has no product that can be rounded: its ratio is a symbol for the
    hidden width itself.
    """
    if isinstance(dim, Polynomial):
        return expansion_ratio
    if isinstance(dim, np.ndarray) or isinstance(expansion_ratio, np.ndarray):
        return np.maximum(1, np.rint(expansion_ratio * dim).astype(np.int64))
    return max(1, round(expansion_ratio * dim))


def half_width(width: Width) -> Width:
    """Half of a width as a multiple of 8 that is not more than a tenth below (timm's rule)."""
    if isinstance(width, Polynomial):
        return Polynomial.symbol(HALF_STEM)
    half = width // 2
    rounded = np.maximum(8, (half + 4) // 8 * 8)
    rounded = rounded + 8 * (rounded < 0.9 * half)
    return rounded if isinstance(width, np.ndarray) else int(rounded)


def unit_for(groups: int, expansion_ratio: float) -> int:
    """The smallest width whose hidden width, and that of all its multiples, `groups` divides."""
    for width in range(1, 64 * groups + 1):
        hidden = expansion_ratio * width
        if abs(hidden - round(hidden)) < 1e-9 and round(hidden) % groups == 0:
            return width
    return 1
