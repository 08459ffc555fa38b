"""What stands in one cell: nothing, a number, or how a training ended."""

from __future__ import annotations

import json
import math
from typing import Final, Literal

from dse.jobs.tables.numbers import WORDS, Mark, Number, is_ambiguous, read_number
from dse.jobs.tables.reading import Cell, Row, Table

BadEnd = Literal["diverged", "out_of_memory", "failed"]

EMPTY: Final = ("", "-", "–", "—", "?", "na", "n/a", "nan", "none", "null")
"""No value, in small letters."""
ENDS: Final[dict[str, BadEnd]] = {
    "diverged": "diverged",
    "inf": "diverged",
    "infinity": "diverged",
    "oom": "out_of_memory",
    "out of memory": "out_of_memory",
    "out_of_memory": "out_of_memory",
    "failed": "failed",
    "crashed": "failed",
}
"""Trainings without an error, in small letters."""


def is_empty(cell: Cell) -> bool:
    """Whether there is no value."""
    if isinstance(cell, str):
        return cell.strip().lower() in EMPTY
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def bad_end(cell: Cell) -> BadEnd | None:
    """How a training ended, if the cell says so instead of giving a number."""
    if isinstance(cell, float) and math.isinf(cell):
        return "diverged"
    return ENDS.get(cell.strip().lower()) if isinstance(cell, str) else None


def several(cell: Cell) -> list[Cell]:
    """The values of a cell that holds a list, also one written as JSON; else the cell itself."""
    if isinstance(cell, str) and cell.strip().startswith("["):
        try:
            cell = json.loads(cell)
        except ValueError:
            return [cell]
    return cell if isinstance(cell, list) else [cell]


def number(table: Table, row: Row, column: str, cell: Cell, mark: Mark | None) -> Number:
    """The number in a cell; `mark` stands before its decimals, None if that is not known.

    Raises:
        UserError: it is none, or could be two; the sentence names file, row and column.
    """
    if isinstance(cell, bool | list):
        raise table.error(row, column, f"{cell!r} is no number.")
    if isinstance(cell, int | float):
        return Number(value=float(cell))
    text = str(cell)
    if mark is None and "," in text and is_ambiguous(text):
        values = " or ".join(f"{n.value:.10g}" for m in (".", ",") if (n := read_number(text, m)))
        raise table.error(row, column, f"{text!r} is {values}: say --decimal point or comma.")
    found = read_number(text, mark or ".")
    if found is None:
        hint = ""
        if any(read_number(text, other) for other in WORDS):
            hint = f" with a decimal {WORDS[mark or '.']}, which others have"
        raise table.error(row, column, f"{text!r} is no number{hint}.")
    return found


def choice(cell: Cell, mark: Mark) -> Cell:
    """A cell of a choice as a plain value: a number, a truth value, a text or None."""
    if is_empty(cell):
        return None
    if not isinstance(cell, str):
        return str(cell) if isinstance(cell, float) and math.isinf(cell) else cell
    text = cell.strip()
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    found = read_number(text, mark)
    if found is None or not found.plain or found.percent or _is_code(text):
        return text
    if math.isinf(found.value):
        return text
    return int(found.value) if found.value.is_integer() else found.value


def choices(cells: list[Cell], mark: Mark) -> list[Cell]:
    """The cells of one column: all numbers, or all as they are written."""
    read = [choice(cell, mark) for cell in cells]
    if any(isinstance(value, str) for value in read):
        return [None if is_empty(cell) else cell for cell in cells]
    return read


def _is_code(text: str) -> bool:
    """Whether zeros in front say that digits are a name: "007"."""
    return len(text) > 1 and text.startswith("0") and text.isdigit()
