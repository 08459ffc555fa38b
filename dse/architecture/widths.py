"""How one width follows from another. Widths may be numbers, or arrays of alternatives."""

from __future__ import annotations

from typing import Any

import numpy as np

Width = Any
"""An int, or an int64 array of alternatives that are all costed at once."""


def hidden_width(expansion_ratio: Any, dim: Width) -> Width:
    """Hidden channels of a block: the product rounded to the nearest whole number, at least 1."""
    if isinstance(dim, np.ndarray) or isinstance(expansion_ratio, np.ndarray):
        return np.maximum(1, np.rint(expansion_ratio * dim).astype(np.int64))
    return max(1, round(expansion_ratio * dim))


def half_width(width: Width) -> Width:
    """Half of a width as a multiple of 8 that is not more than a tenth below (timm's rule)."""
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
