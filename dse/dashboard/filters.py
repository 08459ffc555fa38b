"""Which networks are meant: conditions on their columns, which fit into an address and into YAML.

As text a filter is a part of an address, `error=0.1..0.25&arch.stem=patch,overlap`: numbers are in
stored units (fractions, FLOPs), an end that is left out is open, several levels are joined by `,`.
Columns and values are percent-encoded; within a level `%`, `,` and `..` are so once more before.
`tests/dashboard/filters.json` holds what this means for every reader, in whichever language.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Self
from urllib.parse import quote, unquote

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dse.analysis.estimate import FloatArray
from dse.analysis.population import BAD_STATES
from dse.dashboard.labels import label, word
from dse.errors import UserError
from dse.space.language.priors import is_finite, is_value

NONE: Final = "none"
"""The level of what a network has not, or of a choice that is null."""
ON_PAPER: Final = ("study", "flops", "params", "activations")
"""What is known of a network before it is trained, beside its choices (`arch.*`)."""
CLOSENESS: Final = 1e-7
"""Ends of ranges are met to this share of them, as pages carry numbers in single precision."""
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")
_RANGE: Final = re.compile(rf"({_NUMBER.pattern})?\.\.({_NUMBER.pattern})?")
_UNESCAPED: Final = "!~*'()"
"""What a browser's `encodeURIComponent` leaves, beside letters, digits and `-_.`."""


@dataclass(frozen=True, kw_only=True)
class Range:
    """Numbers from `low` to `high`, both included; None for an end that is open, not for both."""

    low: float | None
    high: float | None

    def __post_init__(self) -> None:
        ends = [end for end in (self.low, self.high) if end is not None]
        assert ends, "a range has an end"
        assert all(map(math.isfinite, ends)), "ends are finite"
        assert ends == sorted(ends), "a range goes up"

    def holds(self, values: FloatArray) -> NDArray[np.bool_]:
        """Which values lie in it; NaN never does, `inf` where there is no upper end."""
        low = -math.inf if self.low is None else self.low - CLOSENESS * abs(self.low)
        high = math.inf if self.high is None else self.high + CLOSENESS * abs(self.high)
        return np.asarray((values >= low) & (values <= high))


Levels = tuple[str, ...]
Condition = Range | Levels


@dataclass(frozen=True, kw_only=True)
class Filter:
    """The networks that meet every condition; without any, all.

    Attributes:
        conditions: by column of the networks' table, a range of numbers, or levels as text
            (`level`). `index` and levels are networks by number, `study` whole studies.
    """

    conditions: Mapping[str, Condition] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert () not in self.conditions.values(), "a condition has a level"

    def __bool__(self) -> bool:
        return bool(self.conditions)

    @property
    def is_on_paper(self) -> bool:
        """Whether it asks for nothing that only a training tells.

        The networks that it keeps of a random sample are a random sample of a part of the space
        then, which those that were chosen by their errors, or one by one, are not.
        """
        return all(c in ON_PAPER or c.startswith("arch.") for c in self.conditions)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The filter that a part of an address says.

        Raises:
            UserError: it says none.
        """
        conditions: dict[str, Condition] = {}
        for part in filter(None, text.split("&")):
            name, equals, value = part.partition("=")
            column = _decoded(name)
            if not column or not equals:
                raise UserError(f"{part!r}: is no condition; give COLUMN=VALUE.")
            if column in conditions:
                raise UserError(f"{column}: is there twice.")
            conditions[column] = _read(column, _decoded(value))
        return cls(conditions=conditions)

    def __str__(self) -> str:
        return "&".join(
            f"{quote(column, safe=_UNESCAPED)}={quote(_written(condition), safe=_UNESCAPED + ',')}"
            for column, condition in self.conditions.items()
        )

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> Self:
        """The filter that YAML or JSON says.

        `[low, high]`, two numbers or one of them null, is a range; every other list, and a value
        by itself, are levels.

        Raises:
            UserError: it says none; the sentence names the column and what is allowed.
        """
        return cls(conditions={str(column): _plain(str(column), v) for column, v in data.items()})

    def to_plain(self) -> dict[str, list[Any]]:
        """As YAML and JSON have it."""
        return {
            column: [_shortest(condition.low), _shortest(condition.high)]
            if isinstance(condition, Range)
            else list(condition)
            for column, condition in self.conditions.items()
        }

    def mask(self, networks: pd.DataFrame) -> NDArray[np.bool_]:
        """Which networks meet it, in the order of the table's rows.

        A column that the table lacks is missing of every network: no range holds it, and of levels
        only `none`. An error is `inf` where the training ended badly.
        """
        found = np.ones(len(networks), dtype=np.bool_)
        for column, condition in self.conditions.items():
            found &= meets(_column(networks, column), condition)
        return found

    @property
    def words(self) -> str:
        """The conditions as people say them, in shown units; no HTML."""
        return "; ".join(_words(column, c) for column, c in self.conditions.items())


def level(value: object) -> str:
    """A value as its level is called: `none` for null and NaN, numbers in six digits.

    Whole numbers have all their digits.
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.number):
        return NONE if value is None or value is pd.NA else str(value)
    number = float(value)
    if math.isnan(number):
        return NONE
    return str(int(number)) if number.is_integer() else f"{number:g}"


def numbers(values: pd.Series[Any]) -> FloatArray | None:
    """A column as numbers, NaN where one is missing; None if it holds anything else."""
    kinds = {type(v) for v in values[values.notna()]} if values.dtype == object else set()
    if values.dtype == object:
        is_number = bool(kinds) and all(
            issubclass(kind, int | float | np.number) and kind is not bool for kind in kinds
        )
    else:
        is_number = pd.api.types.is_numeric_dtype(values) and values.dtype.kind != "b"
    return values.to_numpy(dtype=np.float64, na_value=np.nan) if is_number else None


def _column(networks: pd.DataFrame, column: str) -> pd.Series[Any]:
    if column not in networks:
        return pd.Series([None] * len(networks), dtype=object)
    if column == "error" and "state" in networks:
        return networks["error"].mask(networks["state"].isin(BAD_STATES), np.inf)
    return networks[column]


def meets(values: pd.Series[Any], condition: Condition) -> NDArray[np.bool_]:
    """Which values of a column a condition keeps."""
    found = numbers(values)
    if isinstance(condition, Range):
        return np.zeros(len(values), dtype=np.bool_) if found is None else condition.holds(found)
    if found is None:
        return np.array([level(value) in condition for value in values], dtype=np.bool_)
    known, places = np.unique(found, return_inverse=True)
    wanted = {float(text) for text in condition if _NUMBER.fullmatch(text)}
    kept = [
        NONE in condition if math.isnan(v) else math.isfinite(v) and float(level(v)) in wanted
        for v in known.tolist()
    ]
    return np.array(kept, dtype=np.bool_)[places]


def _decoded(text: str) -> str:
    try:
        if re.search(r"%(?![0-9A-Fa-f]{2})", text):
            raise ValueError
        return unquote(text, errors="strict")
    except ValueError:
        raise UserError(f"{text!r}: is not percent-encoded UTF-8.") from None


def _read(column: str, text: str) -> Condition:
    if ".." not in text:
        return tuple(dict.fromkeys(map(_decoded, text.split(","))))
    found = _RANGE.fullmatch(text)
    if found is None or text == "..":
        raise UserError(f"{column}: {text!r} is no range; give LOW..HIGH, LOW.. or ..HIGH.")
    low, high = (float(end) if end else None for end in (found[1], found[4]))
    return _range(column, low, high)


def _range(column: str, low: float | None, high: float | None) -> Range:
    ends = [end for end in (low, high) if end is not None]
    if not ends:
        raise UserError(f"{column}: give a lower or an upper end.")
    if not all(map(math.isfinite, ends)):
        raise UserError(f"{column}: an end is no finite number; leave out an open one.")
    if ends != sorted(ends):
        raise UserError(f"{column}: goes from the lower end to the higher one.")
    return Range(low=low, high=high)


def _plain(column: str, data: Any) -> Condition:
    listed = data if isinstance(data, list | tuple) else [data]
    if not all(map(is_value, listed)):
        raise UserError(f"{column}: give [LOW, HIGH], or a list of values.")
    if any(isinstance(v, int | float) and not is_finite(v) for v in listed):
        raise UserError(f"{column}: takes finite numbers; null is an open end.")
    if len(listed) == 2 and all(_is_end(v) for v in listed):
        return _range(column, *(None if v is None else float(v) for v in listed))
    if not listed:
        raise UserError(f"{column}: lists no value, so that no network would be left.")
    return tuple(dict.fromkeys(map(level, listed)))


def _is_end(value: Any) -> bool:
    return value is None or type(value) in (int, float)


def _written(condition: Condition) -> str:
    if isinstance(condition, Range):
        ends = (condition.low, condition.high)
        return "..".join("" if end is None else _number(end) for end in ends)
    return ",".join(
        text.replace("%", "%25").replace(",", "%2C").replace("..", "%2E%2E") for text in condition
    )


def _number(value: float) -> str:
    """A number in its shortest spelling, as JavaScript's `String` has it."""
    if value == int(value) and abs(value) < 1e21:
        return str(int(value))
    text = repr(float(value))
    if abs(value) < 1e-6 or abs(value) >= 1e21:
        mantissa, _, exponent = text.partition("e")
        return f"{mantissa}e{int(exponent):+d}"
    return f"{Decimal(text):f}"


def _shortest(value: float | None) -> float | int | None:
    if value is None or value != int(value) or abs(value) >= 2**53:
        return value
    return int(value)


def _words(column: str, condition: Condition) -> str:
    about = label(column)
    name = html.unescape(about.name)  # plain text: whoever shows it escapes it
    if not isinstance(condition, Range):
        shown = [html.unescape(word(text)) for text in condition]
        return f"{name} {' or '.join(shown[:12])}{', ...' if len(shown) > 12 else ''}"
    ends = (condition.low, condition.high)
    low, high = (None if end is None else f"{about.factor * end:.6g}" for end in ends)
    unit = f" {about.unit}" if about.unit else ""
    if low is None:
        return f"{name} at most {high}{unit}"
    return f"{name} at least {low}{unit}" if high is None else f"{name} {low} to {high}{unit}"
