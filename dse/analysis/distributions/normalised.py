"""Populations made comparable in complexity: weights that make it uniform over a common range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dse.analysis.distributions.edf import effective_n
from dse.analysis.estimate import FloatArray
from dse.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Normalisation:
    """Weights for each of several populations, for `weighted_edf` and `best_of`.

    `weights` has an array a population, 0 for networks that are left out; each sums to 1. `counts`
    (populations, bins) are the networks in each bin between `edges` (bins + 1,), and `used` (bins,)
    are the bins in which every population has a network.
    """

    weights: tuple[FloatArray, ...]
    edges: FloatArray
    counts: NDArray[np.int64]
    used: NDArray[np.bool_]

    def words(self, population: int, complexity: str) -> str:
        """What a legend has to say of one population's curve."""
        weights = self.weights[population]
        kept, left_out = int((weights > 0).sum()), int((weights == 0).sum())
        bins, used = self.used.size, int(self.used.sum())
        parts = [
            f"{complexity} made uniform from {self.edges[0]:.4g} to {self.edges[-1]:.4g} in "
            f"{used} of {bins} bins",
            f"n = {kept}, worth {effective_n(weights):.0f} of equal weight",
        ]
        if left_out:
            where = "outside" if used == bins else "outside or in bins that a population lacks"
            parts.append(f"{left_out} left out, {where}")
        return "; ".join(parts)


def complexity_weights(
    complexities: Sequence[ArrayLike],
    *,
    bins: int = 10,
    limits: tuple[float, float] | None = None,
) -> Normalisation:
    """Weights that make the complexity of every population uniform over the same range.

    Radosavovic et al. (2019), "On Network Design Spaces for Visual Recognition": each of equally
    wide bins of complexity has the same total weight, shared equally by its networks. `limits` are
    by default what all populations have in common. A bin that is empty in any population is left
    out of all of them: otherwise they would not be compared over the same complexities.

    Raises `UserError` where no bin has a network of every population.
    """
    assert complexities, "there is a population"
    values = [np.asarray(complexity, dtype=np.float64) for complexity in complexities]
    assert all(value.size for value in values), "a population has a network"
    low, high = limits or (
        max(float(value.min()) for value in values),
        min(float(value.max()) for value in values),
    )
    if low > high:
        raise UserError("the populations have no complexity in common to be compared at")
    edges = np.linspace(low, high, bins + 1) if low < high else np.array([low, high])
    counts = np.stack([np.histogram(value, edges)[0] for value in values])
    used = (counts > 0).all(axis=0)
    if not used.any():
        raise UserError("no bin of complexity has a network of every population: take fewer bins")
    weights = tuple(
        _weights(value, edges, count, used) for value, count in zip(values, counts, strict=True)
    )
    return Normalisation(weights=weights, edges=edges, counts=counts, used=used)


def _weights(
    complexity: FloatArray, edges: FloatArray, counts: NDArray[np.int64], used: NDArray[np.bool_]
) -> FloatArray:
    share = np.where(used, 1 / (used.sum() * np.maximum(counts, 1)), 0.0)
    inside = (complexity >= edges[0]) & (complexity <= edges[-1])
    # The last edge belongs to the last bin, as in numpy.histogram.
    place = np.clip(np.searchsorted(edges, complexity, side="right") - 1, 0, counts.size - 1)
    return np.where(inside, share[place], 0.0)
