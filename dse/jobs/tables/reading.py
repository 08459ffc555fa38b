"""What is in a table's file: CSV, JSON or JSON Lines, as named columns and rows of cells."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dse.errors import UserError
from dse.store.plain import flatten

KEY: Final = "key"
"""The column of an object's keys."""
DELIMITERS: Final = (",", ";", "\t", "|")

Cell = str | int | float | bool | None | list[Any]
"""A text, or a value of JSON's."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row and where it stands: "row 3" of a CSV (as a spreadsheet counts), "object 'a'"."""

    place: str
    cells: dict[str, Cell]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A file's rows.

    Attributes:
        name: the file's name, without its folder.
        sha256: of its bytes.
        columns: their names, in the file's order.
        rows: each with the cells that it has.
        keyed: the column `KEY` holds the keys of one JSON object.
        notes: what was left out, in sentences.
    """

    name: str
    sha256: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    keyed: bool = False
    notes: tuple[str, ...] = ()

    def error(self, row: Row, column: str, what: str) -> UserError:
        """The sentence about one cell."""
        return UserError(f"{self.name}, {row.place}, column {column!r}: {what}")


def read_table(path: str | Path) -> Table:
    """Read a file of rows; JSON where it begins with a bracket or a brace, else CSV.

    Raises:
        UserError: it cannot be read, or is no table.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}.") from None
    name, text = path.name, _decode(path.name, content)
    if text.lstrip()[:1] in ("{", "["):
        rows, keyed = _json_rows(name, text)
        notes: tuple[str, ...] = ()
    else:
        rows, notes, keyed = *_csv_rows(name, text), False
    if not rows:
        raise UserError(f"{name}: holds no rows.")
    return Table(
        name=name,
        sha256=hashlib.sha256(content).hexdigest(),
        columns=tuple(dict.fromkeys(column for row in rows for column in row.cells)),
        rows=tuple(rows),
        keyed=keyed,
        notes=notes,
    )


def _decode(name: str, content: bytes) -> str:
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{name}: is no text in UTF-8: save it as CSV (UTF-8) or JSON.") from None
    if "\0" in text:
        raise UserError(f"{name}: is no text: save it as CSV (UTF-8) or JSON.")
    return text


# CSV


def _csv_rows(name: str, text: str) -> tuple[list[Row], tuple[str, ...]]:
    """Rows under the first one, which names the columns."""
    records = _records(name, text)
    if not records:
        raise UserError(f"{name}: is empty.")
    _, header = records[0]
    header = [column.strip() for column in header]
    for number, record in records[1:]:
        if len(record) != len(header):
            raise UserError(
                f"{name}, row {number}: has {len(record)} cells, the first row has {len(header)}."
            )
    twice = [column for column, n in Counter(header).items() if column and n > 1]
    if twice:
        raise UserError(f"{name}: has two columns {twice[0]!r}: give each a name of its own.")
    nameless = [
        place
        for place, column in enumerate(header)
        if not column and any(record[place].strip() for _, record in records[1:])
    ]
    rows = [
        Row(
            place=f"row {number}",
            cells={c: cell.strip() for c, cell in zip(header, record, strict=True) if c},
        )
        for number, record in records[1:]
    ]
    notes = [f"Column {place + 1} has no name, and is left out." for place in nameless]
    return rows, tuple(notes)


def _records(name: str, text: str) -> list[tuple[int, list[str]]]:
    """Records that are not blank, with their numbers, by the delimiter that fits all of them.

    Of those that split every record into as many cells as the first, it is the one that makes
    most; where there is none, the one that makes most of the first record.
    """
    read, refused = [], []
    for delimiter in DELIMITERS:
        try:
            read.append(_split(name, text, delimiter))
        except UserError as error:  # by another one it may be sound
            refused.append(error)
    best = max(read, key=_fit, default=[])
    if refused and not _fit(best)[0]:
        raise refused[0]
    return best


def _fit(records: list[tuple[int, list[str]]]) -> tuple[bool, int]:
    """Whether all records have as many cells as the first, more than one; and how many that has."""
    widths = {len(record) for _, record in records}
    first = len(records[0][1]) if records else 0
    return len(widths) == 1 and first > 1, first


def _split(name: str, text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    try:
        records = list(enumerate(reader, start=1))
    except csv.Error as error:
        raise UserError(f"{name}, line {reader.line_num}: is no CSV ({error}).") from None
    return [(number, record) for number, record in records if any(map(str.strip, record))]


# JSON


def _json_rows(name: str, text: str) -> tuple[list[Row], bool]:
    """Rows of a list of objects, an object of objects, or an object a line."""
    try:
        value = _parse(text)
    except json.JSONDecodeError as error:
        if error.msg != "Extra data":
            raise _no_json(name, error) from None
        return _rows_of_lines(name, text), False
    except (ValueError, RecursionError) as error:
        raise UserError(f"{name}: is no JSON that can be read ({error}).") from None
    if isinstance(value, list):
        return [_row(name, f"item {n}", each) for n, each in enumerate(value, start=1)], False
    if value and all(isinstance(each, dict) for each in value.values()):
        rows = [_row(name, f"object {key!r}", each, key=key) for key, each in value.items()]
        return rows, True
    return [_row(name, "the object", value)], False


def _rows_of_lines(name: str, text: str) -> list[Row]:
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = _parse(line)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{name}, line {number}: is no JSON ({error}).") from None
        rows.append(_row(name, f"line {number}", value))
    return rows


def _parse(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_once)


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object; one with a key twice would lose a network in silence."""
    found = dict(pairs)
    if len(found) < len(pairs):
        key = next(key for key, n in Counter(key for key, _ in pairs).items() if n > 1)
        raise ValueError(f"the key {key!r} is there twice")
    return found


def _no_json(name: str, error: json.JSONDecodeError) -> UserError:
    return UserError(f"{name}, line {error.lineno}: is no JSON ({error.msg}).")


def _row(name: str, place: str, value: Any, *, key: str | None = None) -> Row:
    """An object with the objects in it flattened; lists stay as they are."""
    if not isinstance(value, dict):
        raise UserError(f"{name}, {place}: is no object of columns and values.")
    if key is not None and KEY in value:
        raise UserError(f"{name}, {place}: has a column {KEY!r}, as its own key is called here.")
    cells: dict[str, Cell] = {} if key is None else {KEY: key}
    for column, cell in value.items():
        if isinstance(cell, dict):
            cells |= flatten(cell, str(column))
        else:
            cells[str(column).strip()] = cell
    if any(isinstance(text, str) and not _is_text(text) for pair in cells.items() for text in pair):
        raise UserError(f"{name}, {place}: holds characters that are no text.")
    return Row(place=place, cells=cells)


def _is_text(text: str) -> bool:
    """Whether databases keep it: JSON can write halves of characters, and zeros."""
    return "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)
