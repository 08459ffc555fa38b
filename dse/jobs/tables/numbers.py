"""Numbers as people and programs write them: "28,589,128", "28.589.128", "4.5G", "82,1 %"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

Mark = Literal[".", ","]
"""What stands before the decimals."""
MARKS: Final[tuple[Mark, Mark]] = (".", ",")
OTHER: Final[dict[Mark, Mark]] = {".": ",", ",": "."}
WORDS: Final[dict[Mark, str]] = {".": "point", ",": "comma"}

SCALES: Final = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9, "t": 1e12}
"""What a letter after a number multiplies it by; B is a billion."""

_SPACES: Final = " \u00a0\u2009\u202f'’_"
_UNIT: Final = r"(?P<scale>[kmgbt]?)\s*(?:flops?|macs?|m-?adds?|params?|parameters)?|(?P<percent>%)"


@dataclass(frozen=True, kw_only=True)
class Number:
    """A number as it was written: `value` is what stands there, scaled, but for per cent."""

    value: float
    percent: bool = False
    plain: bool = True
    """Nothing was written behind it."""


def _pattern(mark: Mark) -> re.Pattern[str]:
    separators = f"[{re.escape(OTHER[mark])}{_SPACES}]"
    grouped = rf"[1-9]\d{{0,2}}(?P<sep>{separators})\d{{3}}(?:(?P=sep)\d{{3}})*"
    decimals = rf"{re.escape(mark)}\d"
    return re.compile(
        rf"(?P<sign>[+\-−]?)(?P<whole>{grouped}|\d+)?"
        rf"(?P<rest>(?:{decimals}*)?)(?P<power>e[+\-]?\d+)?\s*(?:{_UNIT})",
        re.IGNORECASE,
    )


_PATTERNS: Final = {mark: _pattern(mark) for mark in MARKS}


@lru_cache(maxsize=2**20)  # each cell is looked at for its mark, its unit and its value
def read_number(text: str, mark: Mark = ".") -> Number | None:
    """The number that a text is, with this mark before its decimals; None if it is none.

    The other mark, spaces, apostrophes and underscores may stand between groups of three digits.

    >>> [read_number(text).value for text in ("28,589,128", "4.5G", "1e-3", "−2")]
    [28589128.0, 4500000000.0, 0.001, -2.0]
    >>> read_number("82,1 %", ","), read_number("82,1")
    (Number(value=82.1, percent=True, plain=False), None)
    """
    found = _PATTERNS[mark].fullmatch(text.strip())
    if found is None or not any(c.isdigit() for c in (found["whole"] or "") + found["rest"]):
        return None
    whole = found["whole"] or "0"
    whole = whole if whole.isdecimal() else re.sub(r"\D", "", whole)
    rest = found["rest"].replace(mark, ".", 1)
    sign = "-" if found["sign"] in ("-", "−") else ""
    letter = (found["scale"] or "").lower()
    value = float(f"{sign}{whole}{rest}{found['power'] or ''}") * SCALES[letter]
    end = found.end("power") if found["power"] else found.end("rest")
    return Number(value=value, percent=found["percent"] is not None, plain=end == found.end())


def possible_marks(text: str) -> frozenset[Mark]:
    """The marks with which a text is a number; both where it could be either, or has neither."""
    return frozenset(mark for mark in MARKS if read_number(text, mark) is not None)


def is_ambiguous(text: str) -> bool:
    """Whether a text is two different numbers, as "1,234" is 1234 or 1.234."""
    numbers = [read_number(text, mark) for mark in MARKS]
    return None not in numbers and numbers[0] != numbers[1]


def shown_marks(texts: Iterable[str]) -> frozenset[Mark]:
    """The marks that texts show for certain: those that are a number with just one of them.

    >>> shown_marks(["1,234", "82,1"]), shown_marks(["1,234", "12"])
    (frozenset({','}), frozenset())
    """
    sets = (possible_marks(text) for text in texts)
    return frozenset(mark for marks in sets if len(marks) == 1 for mark in marks)
