"""Networks with parameters drawn at random and errors from a formula."""

from __future__ import annotations

import numpy as np

from dse.analysis.factors.levels import Factor, Networks


def factor(codes: np.ndarray, *, name: str = "x", ordered: bool = False) -> Factor:
    """Levels a, b, c, ... or numbers 0, 1, 2, ..."""
    count = int(codes.max()) + 1
    if not ordered:
        return Factor(name=name, codes=codes, levels=tuple("abcdefgh"[:count]))
    return Factor(
        name=name,
        codes=codes,
        levels=tuple(map(str, range(count))),
        numbers=codes.astype(float),
        edges=tuple((float(k), float(k)) for k in range(count)),
    )


def made(n: int = 300, *, seed: int = 0, ordered: bool = False) -> Networks:
    """The first parameter's level 0 is bad, the second's c; the third and fourth do nothing."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(3, size=(n, 4))
    logs = -1.5 + 0.3 * (codes[:, 0] == 0) + 0.1 * (codes[:, 1] == 2)
    outcome = np.exp(logs + 0.1 * rng.standard_normal(n))
    factors = tuple(factor(codes[:, k], name=f"p{k}", ordered=ordered) for k in range(4))
    return Networks(outcome=outcome, factors=factors, classes=10)
