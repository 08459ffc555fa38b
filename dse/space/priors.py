"""Priors: how one value is drawn."""

from __future__ import annotations

import math
from bisect import bisect_right
from decimal import Decimal
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from dse.config import Config

Value = int | float | str | None
MAX_VALUES: Final = 10_000
"""More values than that between two limits are a continuum."""


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
            for value in self.choice:
                if isinstance(value, float) and not math.isfinite(value):
                    raise ValueError(f"choice may hold finite numbers, not {value!r}")
            if self.step is not None:
                raise ValueError("step goes with uniform or log_uniform, not with choice")
            return self
        low, high = self._range
        if not (math.isfinite(low) and math.isfinite(high)) or low > high:
            raise ValueError(f"{given[0]} must be [lowest, highest], not [{low:g}, {high:g}]")
        if self.log_uniform is not None and low <= 0:
            raise ValueError(f"log_uniform must start above 0, not at {low:g}")
        if not math.isfinite(high - low if self.uniform is not None else high / low):
            raise ValueError(f"{given[0]} [{low:g}, {high:g}] is too wide")
        if self.step is not None and not (self.step > 0 and math.isfinite(self.step)):
            raise ValueError(f"step must be positive, not {self.step:g}")
        if self.step is not None and (high - low) / self.step >= MAX_VALUES:
            raise ValueError(
                f"step {self.step:g} is too fine for [{low:g}, {high:g}]: {MAX_VALUES:,} values "
                "are allowed; without a step all numbers between are drawn"
            )
        return self

    @property
    def _range(self) -> tuple[float, float]:
        limits = self.uniform or self.log_uniform
        assert limits is not None
        return limits

    @cached_property
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
        start, step = Decimal(repr(low)), Decimal(repr(self.step))  # 0.1 is a tenth, as written
        return tuple(_plain(min(float(start + k * step), high)) for k in range(count))

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

    @cached_property
    def _cumulative(self) -> tuple[float, ...]:
        probabilities = self.probabilities
        return () if probabilities is None else tuple(np.cumsum(probabilities).tolist())

    def draw(self, rng: np.random.Generator) -> Value:
        """Draw one value, from exactly one uniform random number, so that streams stay aligned."""
        u = rng.random()
        values = self.values
        if values is not None:
            return values[min(bisect_right(self._cumulative, u), len(values) - 1)]
        low, high = self._range
        if self.log_uniform is not None:
            return float(low * (high / low) ** u)
        return low + (high - low) * u


def _plain(value: float) -> int | float:
    """A whole number as int, so that a width is 96 and not 96.0."""
    return int(value) if float(value).is_integer() else value
