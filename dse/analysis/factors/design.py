"""The linear model of main effects that adjusted effects and interactions rest on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dse.analysis.estimate import FloatArray
from dse.analysis.factors.levels import Factor


@dataclass(frozen=True, eq=False)
class Design:
    """Each factor's levels as columns of zeros and ones, all of them, side by side.

    The columns depend on each other, so that coefficients are those of the least norm; everything
    that is asked of them is the same for any other solution.
    """

    factors: tuple[Factor, ...]

    @cached_property
    def starts(self) -> list[int]:
        """The first column of each factor."""
        sizes = [len(factor.levels) for factor in self.factors]
        return [0, *np.cumsum(sizes).tolist()]

    @cached_property
    def matrix(self) -> FloatArray:
        """Shape (networks, all levels)."""
        found = np.zeros((len(self.factors[0].codes), self.starts[-1]))
        rows = np.arange(len(found))
        for factor, start in zip(self.factors, self.starts, strict=False):
            found[rows, start + factor.codes] = 1
        return found

    @cached_property
    def _decomposed(self) -> tuple[FloatArray, int]:
        return pseudo_inverse(self.gram)

    @cached_property
    def gram(self) -> FloatArray:
        """How often two levels come together, shape (all levels, all levels)."""
        return np.asarray(self.matrix.T @ self.matrix)

    @property
    def inverse(self) -> FloatArray:
        """The pseudo-inverse of `gram`."""
        return self._decomposed[0]

    @property
    def rank(self) -> int:
        """How many coefficients are free."""
        return self._decomposed[1]

    @cached_property
    def leverage(self) -> FloatArray:
        """The diagonal of the hat matrix, shape (networks,)."""
        return np.asarray(np.einsum("ij,ij->i", self.matrix @ self.inverse, self.matrix))

    def columns(self, factor: int) -> slice:
        """The columns of a factor."""
        return slice(self.starts[factor], self.starts[factor + 1])

    def coefficients(self, y: FloatArray) -> FloatArray:
        """Least squares, shape (all levels,)."""
        return np.asarray(self.inverse @ (self.matrix.T @ y))

    def residuals(self, y: FloatArray) -> FloatArray:
        """What main effects leave of `y`."""
        return np.asarray(y - self.matrix @ self.coefficients(y))

    def estimable(self, contrasts: FloatArray) -> NDArray[np.bool_]:
        """Whether each row of weights means the same for all least-squares solutions."""
        left = contrasts @ self.inverse @ self.gram - contrasts
        return np.asarray(np.abs(left).max(axis=1) < 1e-6)


def pseudo_inverse(matrix: FloatArray) -> tuple[FloatArray, int]:
    """Of a symmetric, positive semidefinite matrix; and its rank."""
    values, vectors = np.linalg.eigh(matrix)
    kept = values > 1e-9 * max(values[-1], 1e-300)
    return (vectors[:, kept] / values[kept]) @ vectors[:, kept].T, int(kept.sum())
