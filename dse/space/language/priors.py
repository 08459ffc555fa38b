"""Priors: how one value is drawn."""

from __future__ import annotations

import math
from decimal import Decimal
from functools import cached_property
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationInfo, field_validator, model_validator
from scipy.special import ndtr, ndtri

from dse.config import NOT_A_BOOLEAN, Config

Value = bool | int | float | str | None
Limits = tuple[float, float]

MAX_VALUES: Final = 10_000
"""More values than that between two limits are a continuum."""

_RANGES = ("uniform", "log_uniform", "normal", "log_normal")
KINDS = ("choice", *_RANGES, "power_of_two")
_REACH = 3.0  # a normal prior spans this many standard deviations to either side of its centre


class Prior(Config):
    """How one value is drawn: exactly one of the six kinds; a bare value is a fixed one.

    Attributes:
        choice: values that are equally likely; a single one is a fixed value.
        uniform: lowest and highest value, equally likely in between.
        log_uniform: lowest and highest value, with equally likely logarithms.
        normal: lowest and highest value of a normal distribution that is cut there, three standard
            deviations from its mean.
        log_normal: likewise for the logarithms.
        power_of_two: lowest and highest power of two; all between are equally likely.
        step: only the values lowest + k * step, for k = 0, 1, ..., are drawn, with probabilities
            proportional to the density there.
        round: `up` draws a log-uniform number from above lowest - min(step, lowest / 2) to highest
            and rounds it up to a multiple of the step, as RegNet's tools do.
    """

    choice: tuple[Value, ...] | None = None
    uniform: Limits | None = None
    log_uniform: Limits | None = None
    normal: Limits | None = None
    log_normal: Limits | None = None
    power_of_two: Limits | None = None
    step: float | None = None
    round: Literal["up"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _fixed_value(cls, data: Any) -> Any:
        return {"choice": [data]} if is_value(data) else data

    @field_validator("choice", mode="before")
    @classmethod
    def _values(cls, listed: Any) -> Any:
        if listed is None:
            return None
        if not isinstance(listed, list | tuple) or not all(map(is_value, listed)):
            raise ValueError("must be a list of numbers, names, true, false and null")
        for value in listed:
            if isinstance(value, int | float) and not is_finite(value):
                raise ValueError("may hold finite numbers, not infinite ones")
        return tuple(map(plain, listed))

    @field_validator(*_RANGES, "power_of_two", mode="before")
    @classmethod
    def _limits(cls, listed: Any) -> Any:
        if listed is None:
            return None
        if not isinstance(listed, list | tuple) or len(listed) != 2:
            raise ValueError("must be [lowest, highest]")
        if any(isinstance(value, bool) for value in listed):
            raise ValueError(NOT_A_BOOLEAN)
        if not all(isinstance(value, int | float) and is_finite(value) for value in listed):
            raise ValueError("must be [lowest, highest], two finite numbers")
        if listed[0] > listed[1]:
            raise ValueError(f"must be [lowest, highest], not [{listed[0]:g}, {listed[1]:g}]")
        return listed

    @field_validator("log_uniform", "log_normal", "power_of_two")
    @classmethod
    def _positive(cls, limits: Limits | None, info: ValidationInfo) -> Limits | None:
        if limits is not None and limits[0] <= 0:
            raise ValueError(f"must start above 0, not at {limits[0]:g}")
        if limits is not None and info.field_name == "power_of_two":
            for value in limits:
                if math.frexp(value)[0] != 0.5:
                    raise ValueError(f"must go from a power of two to another, not {value:g}")
        return limits

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(KINDS[:-1])} and {KINDS[-1]}")
        if self.choice is not None and len(set(map(repr, self.choice))) != len(self.choice):
            raise ValueError("choice must list each value once")
        if self.choice == ():
            raise ValueError("choice must list at least one value")
        if self.step is not None and self.kind not in _RANGES:
            raise ValueError(f"step goes with {', '.join(_RANGES)}, not with {self.kind}")
        if self.round is not None and (self.log_uniform is None or self.step is None):
            raise ValueError("round goes with log_uniform and a step")
        if self.choice is None:
            self._check_range()
        return self

    def _check_range(self) -> None:
        low, high = self._range
        if not math.isfinite(high / low if self._is_logarithmic else high - low):
            raise ValueError(f"{self.kind} [{low:g}, {high:g}] is too wide")
        if self.step is None:
            return
        if not (self.step > 0 and math.isfinite(self.step)):
            raise ValueError(f"step must be positive, not {self.step:g}")
        if (high - low) / self.step >= MAX_VALUES:
            raise ValueError(
                f"step {self.step:g} is too fine for [{low:g}, {high:g}]: {MAX_VALUES:,} values "
                "are allowed; without a step all numbers between are drawn"
            )
        if len(set(self.values or ())) != len(self.values or ()):
            raise ValueError(f"step {self.step:g} is too fine for numbers of the size of {high:g}")

    @property
    def kind(self) -> str:
        """Which of the six kinds this prior is."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def _range(self) -> Limits:
        limits: Limits = getattr(self, self.kind)
        return limits

    @property
    def _is_logarithmic(self) -> bool:
        return self.kind in ("log_uniform", "log_normal")

    @cached_property
    def values(self) -> tuple[Value, ...] | None:
        """All values that can come out, or None where they are a continuum."""
        if self.choice is not None:
            return self.choice
        low, high = self._range
        if low == high:
            return (plain(low),)
        if self.power_of_two is not None:
            first, last = (math.frexp(value)[1] - 1 for value in (low, high))
            return tuple(plain(math.ldexp(1.0, power)) for power in range(first, last + 1))
        if self.step is None:
            return None
        count = math.floor((high - low) / self.step + 1e-9) + 1
        start, step = Decimal(repr(low)), Decimal(repr(self.step))  # 0.1 is a tenth, as written
        return tuple(plain(min(float(start + k * step), high)) for k in range(count))

    @property
    def is_fixed(self) -> bool:
        """Whether one value is all that can come out."""
        return self.values is not None and len(self.values) == 1

    @property
    def limits(self) -> tuple[Any, Any]:
        """The lowest and the highest value of a numeric prior."""
        values = self.values
        return self._range if values is None else (min(values), max(values))  # type: ignore[type-var]

    @property
    def probabilities(self) -> NDArray[np.float64] | None:
        """Probability of each of `values`: (n,), proportional to the density at a lattice's values.

        A lattice of `log_uniform` has p proportional to 1/v; rounded up, to ln(v / (v - step)).
        """
        if self.values is None:
            return None
        if self.kind not in _RANGES or self.is_fixed:
            return np.full(len(self.values), 1 / len(self.values))
        points = np.array(self.values, dtype=np.float64)
        if self.round == "up":
            assert self.step is not None
            weights = np.log(
                points / np.append(points[0] - min(self.step, points[0] / 2), points[:-1])
            )
        else:
            weights = 1 / points if self._is_logarithmic else np.ones(len(points))
        if self.kind in ("normal", "log_normal"):
            low, high = self._scale(np.array(self._range))
            weights *= np.exp(
                -0.5 * (_REACH * (2 * self._scale(points) - low - high) / (high - low)) ** 2
            )
        return np.asarray(weights / weights.sum())

    @cached_property
    def _cumulative(self) -> tuple[float, ...]:  # no array: priors are compared by their values
        probabilities = self.probabilities
        return () if probabilities is None else tuple(np.cumsum(probabilities).tolist())

    def indices(self, u: NDArray[np.float64]) -> NDArray[np.int64]:
        """Which of `values` each of the numbers in [0, 1) stands for, in proportion to their p."""
        assert self.values is not None, "a continuum has no values to choose from"
        found = np.searchsorted(np.array(self._cumulative), u, side="right")
        return np.minimum(found, len(self.values) - 1).astype(np.int64)

    def quantile(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """The value of a continuum below which a share `u` of all draws lies, for u in [0, 1)."""
        assert self.values is None, "a lattice or a choice is drawn by `indices`"
        low, high = self._range
        if self.kind in ("normal", "log_normal"):
            below = ndtr(-_REACH)
            u = ndtri(below + u * (1 - 2 * below)) / (2 * _REACH) + 0.5
        drawn = low * (high / low) ** u if self._is_logarithmic else low + (high - low) * u
        return np.clip(drawn, low, high)

    def _scale(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.log(values) if self._is_logarithmic else values

    def definition(self) -> Any:
        """Plain data that gives this prior again, in its shortest spelling."""
        if self.is_fixed:
            assert self.values is not None
            return self.values[0]
        listed: list[Any] = [plain(value) for value in getattr(self, self.kind)]
        data: dict[str, Any] = {self.kind: listed}
        if self.step is not None:
            data["step"] = plain(self.step)
        return data if self.round is None else data | {"round": self.round}


def is_value(data: object) -> bool:
    """Whether plain data is one value: a number, a text, a boolean or null."""
    return data is None or type(data) in (bool, int, float, str)


def is_finite(number: float) -> bool:
    """Whether a number fits a floating-point one."""
    return -1e308 <= number <= 1e308  # which NaN is not


def plain(value: Any) -> Any:
    """A whole number as int, so that a width is 96 and not 96.0; one beyond all use as float."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if abs(value) >= 2**53:
        return float(value)
    return int(value) if value == int(value) else value


def shown(value: Value) -> str:
    """A value as it is written in YAML, for a sentence."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else f"{value[:40]}...")
    return repr(value)
