"""In which units a column's numbers are, and what stands before their decimals."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal

from dse.errors import UserError
from dse.jobs.tables.cells import bad_end, is_empty, number, several
from dse.jobs.tables.numbers import Mark, Number, shown_marks
from dse.jobs.tables.reading import Cell, Row, Table

Unit = Literal["percent", "fraction"]
HEADER_UNIT: Final = re.compile(r"[(\[]\s*([^)\]]*?)\s*[)\]]")
"""What a column's name says in brackets."""
LARGEST_COUNT: Final = 10**18
LEAST_COUNT: Final = 1000
"""No network has fewer FLOPs, parameters or activations."""


def require_scale(table: Table, cost: str, column: str, factor: float, mark: Mark | None) -> None:
    """Make sure that a column's numbers, times `factor`, can be single FLOPs, parameters, ...

    Raises:
        UserError: one cannot, or is no number.
    """
    for row, cell in _numbers(table, column):
        found = number(table, row, column, cell, mark)
        scaled = found.value * (factor if found.plain else 1)
        if found.percent or not 0 < scaled <= LARGEST_COUNT:
            raise table.error(row, column, f"{cell!r} is no positive number of {cost}.")
        if factor == 1 and found.plain and found.value < LEAST_COUNT:
            what = f"{cell!r} is too few {cost}: say its unit, as in '{column}:M' (k, M, G or T)."
            raise table.error(row, column, what)


def find_mark(table: Table, columns: Iterable[str]) -> Mark | None:
    """What stands before decimals, by what the columns' numbers show; None if none shows it.

    Raises:
        UserError: some show a point, and some a comma.
    """
    first: dict[Mark, tuple[Row, str, Cell]] = {}
    for column in columns:
        for row, cell in _numbers(table, column):
            for mark in shown_marks([cell]) if isinstance(cell, str) else ():
                first.setdefault(mark, (row, column, cell))
    if len(first) > 1:
        row, column, cell = first[","]
        other = first["."][2]
        raise table.error(
            row, column, f"{cell!r} has a decimal comma and {other!r} a point: write all alike."
        )
    return next(iter(first), None)


def _numbers(table: Table, column: str) -> Iterable[tuple[Row, Cell]]:
    """All values of a column that should be numbers, one by one."""
    for row in table.rows:
        for cell in several(row.cells.get(column)):
            if not is_empty(cell) and bad_end(cell) is None:
                yield row, cell


def is_percent(
    table: Table,
    column: str,
    *,
    is_accuracy: bool,
    mark: Mark | None,
    asked: Unit | None,
    notes: list[str],
) -> bool:
    """Whether the results are in per cent.

    An accuracy of which no value is above 1 is a fraction. An error of which none is may be 0.4 %
    or 40 %, and is refused.

    Raises:
        UserError: that, or a value is no share.
    """
    found = [(row, number(table, row, column, cell, mark)) for row, cell in _numbers(table, column)]
    if not found:
        raise UserError(f"{table.name}, column {column!r}: holds no number.")
    signs = [each.percent for _, each in found]
    if any(signs) and not all(signs):
        row = found[signs.index(False)][0]
        raise table.error(row, column, "has no % sign, and others have: write all alike.")
    unit = HEADER_UNIT.search(column)
    percent = asked == "percent"
    if asked is None:
        percent = signs[0] or (unit is not None and unit[1] == "%")
        if not percent:
            percent = _guess_percent(table, column, is_accuracy, [n for _, n in found], notes)
    elif signs[0] and not percent:
        raise UserError(f"--unit fraction: column {column!r} of {table.name} has % signs.")
    top = 100 if percent else 1
    for row, each in found:
        if not 0 <= each.value <= top:
            raise table.error(row, column, f"{each.value:.10g} is not between 0 and {top}.")
    return percent


def _guess_percent(
    table: Table, column: str, is_accuracy: bool, numbers: list[Number], notes: list[str]
) -> bool:
    highest = max(each.value for each in numbers)
    if highest <= 1 and not is_accuracy:
        raise UserError(
            f"{table.name}, column {column!r}: no error is above {highest:.3g}, which may be per "
            "cent or a fraction: say --unit percent or --unit fraction."
        )
    what = "per cent" if highest > 1 else "fractions"
    notes.append(f"Column {column!r} is taken for {what}, as its highest value is {highest:.4g}.")
    return highest > 1
