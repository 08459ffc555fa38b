"""Priors: how one value is drawn."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from dse.config import Config

Value = int | float | str | None


class Prior(Config):
    """Exactly one of `choice`, `uniform` and `log_uniform`, written as its own key.

    Attributes:
        choice: values that are equally likely; a single one is a fixed value.
        uniform: lowest and highest value, equally likely in between.
        log_uniform: lowest and highest value, with equally likely logarithms.
        step: only the values lowest + k * step, for k = 0, 1, ..., are drawn.
    """

    choice: tuple[Value, ...] | None = None
    uniform: tuple[float, float] | None = None
    log_uniform: tuple[float, float] | None = None
    step: float | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = [n for n in ("choice", "uniform", "log_uniform") if getattr(self, n) is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of choice, uniform and log_uniform")
        if self.choice is not None:
            if not self.choice or len(set(map(repr, self.choice))) != len(self.choice):
                raise ValueError("choice must list at least one value, each once")
            if self.step is not None:
                raise ValueError("step goes with uniform or log_uniform, not with choice")
            return self
        low, high = self._range
        if not (math.isfinite(low) and math.isfinite(high)) or low > high:
            raise ValueError(f"{given[0]} must be [lowest, highest], not [{low:g}, {high:g}]")
        if self.log_uniform is not None and low <= 0:
            raise ValueError(f"log_uniform must start above 0, not at {low:g}")
        if self.step is not None and not self.step > 0:
            raise ValueError(f"step must be positive, not {self.step:g}")
        if self.step is not None and (high - low) / self.step > 1e6:
            raise ValueError(f"step {self.step:g} is too fine for [{low:g}, {high:g}]")
        return self

    @property
    def _range(self) -> tuple[float, float]:
        limits = self.uniform or self.log_uniform
        assert limits is not None
        return limits

    @property
    def values(self) -> tuple[Value, ...] | None:
        """All values that can come out, or None where they are a continuum."""
        if self.choice is not None:
            return self.choice
        low, high = self._range
        if low == high:
            return (_plain(low),)
        if self.step is None:
            return None
        count = math.floor((high - low) / self.step + 1e-9) + 1
        return tuple(_plain(round(low + k * self.step, 9)) for k in range(count))

    @property
    def limits(self) -> tuple[Any, Any]:
        """The lowest and the highest value of a numeric prior."""
        values = self.values
        return self._range if values is None else (min(values), max(values))  # type: ignore[type-var]

    @property
    def probabilities(self) -> NDArray[np.float64] | None:
        """Probability of each of `values`; a lattice of `log_uniform` has p proportional to 1/v."""
        values = self.values
        if values is None:
            return None
        weights = np.ones(len(values))
        if self.log_uniform is not None:
            weights = 1 / np.array(values, dtype=np.float64)
        return np.asarray(weights / weights.sum())

    def draw(self, rng: np.random.Generator) -> Value:
        """Draw one value, from exactly one uniform random number, so that streams stay aligned."""
        u = rng.random()
        values, probabilities = self.values, self.probabilities
        if values is not None and probabilities is not None:
            index = int(np.searchsorted(np.cumsum(probabilities), u, side="right"))
            return values[min(index, len(values) - 1)]
        low, high = self._range
        if self.log_uniform is not None:
            return float(low * (high / low) ** u)
        return low + (high - low) * u


def _plain(value: float) -> int | float:
    """A whole number as int, so that a width is 96 and not 96.0."""
    return int(value) if float(value).is_integer() else value
