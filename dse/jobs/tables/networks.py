"""The networks that a table's rows tell of, with their trainings."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from dse.jobs.tables.cells import bad_end, choices, is_empty, number, several
from dse.jobs.tables.columns import Columns
from dse.jobs.tables.reading import Cell, Row, Table
from dse.store.plain import flatten
from dse.store.records import ImportedNetwork, ImportedTraining

LARGEST_SEED: Final = 2**63 - 1
Json = dict[str, Any]


def find_networks(table: Table, columns: Columns) -> list[ImportedNetwork]:
    """The networks in the order in which the table first names them.

    Trainings are in the order of their seeds. Where rows of one network have none, their order is
    drawn at random (from a fixed seed), as that of the file may go by the error, and the first
    training would be the luckiest one; the order in a list of seeds is kept.

    Raises:
        UserError: a cell cannot be read, or two rows of one network differ in more than training.
    """
    known = _known(table, columns)
    groups: dict[object, list[int]] = {}
    for place, row in enumerate(table.rows):
        groups.setdefault(_identity(table, columns, row, place, known[place]), []).append(place)
    found = []
    for index, places in enumerate(groups.values()):
        first = places[0]
        for place in places[1:]:
            _require_same(table, columns, (first, place), known)
        found.append(
            ImportedNetwork(
                name=_name(columns, table.rows[first]),
                choices=known[first]["choices"],
                **known[first]["costs"],
                trainings=_trainings(table, columns, [table.rows[p] for p in places], index),
            )
        )
    return found


# What a network is


def _known(table: Table, columns: Columns) -> list[Json]:
    """Choices and costs of each row."""
    read = {
        name: choices([row.cells.get(column) for row in table.rows], columns.mark or ".")
        for column, name in columns.choices.items()
    }
    parts = _parts(table, columns)
    return [
        {
            "choices": flatten({name: values[place] for name, values in read.items()})
            | parts[place],
            "costs": {
                cost: _count(table, row, column, factor, columns)
                for cost, (column, factor) in columns.costs.items()
            },
        }
        for place, row in enumerate(table.rows)
    ]


def _count(table: Table, row: Row, column: str, factor: float, columns: Columns) -> int | None:
    cell = row.cells.get(column)
    if is_empty(cell):
        return None
    found = number(table, row, column, cell, columns.mark)
    return round(found.value * (factor if found.plain else 1))


def _parts(table: Table, columns: Columns) -> list[Json]:
    """The parts of each network's name as choices, if asked for."""
    if columns.split_key is None:
        return [{} for _ in table.rows]
    assert columns.network is not None
    found: list[Json] = []
    for row in table.rows:
        name = str(row.cells.get(columns.network, ""))
        texts = re.split(r"[^0-9A-Za-z]+", name) if re.search(r"[^0-9A-Za-z]", name) else list(name)
        parts = choices(list(texts), ".")
        keyed = {f"{columns.split_key}.{k}": part for k, part in enumerate(parts, start=1)}
        if found and keyed.keys() != found[0].keys():
            what = f"{name!r} has {len(keyed)} parts, those before have {len(found[0])}."
            raise table.error(row, columns.network, what)
        found.append(keyed)
    return found


def _name(columns: Columns, row: Row) -> str:
    return row.place if columns.network is None else str(row.cells[columns.network])


def _identity(
    table: Table, columns: Columns, row: Row, place: int, known: Mapping[str, Any]
) -> object:
    """What rows of one network share: its name; without names, all but the training."""
    if columns.network is not None:
        cell = row.cells.get(columns.network)
        if is_empty(cell) or isinstance(cell, list):
            raise table.error(row, columns.network, "has no name of a network.")
        return str(cell)
    return place if columns.seed is None else json.dumps(known, sort_keys=True)


def _require_same(
    table: Table, columns: Columns, places: tuple[int, int], known: Sequence[Json]
) -> None:
    first, second = (known[place]["choices"] | known[place]["costs"] for place in places)
    for key in [*first, *second]:
        if first.get(key) != second.get(key):
            row, other = (table.rows[place] for place in reversed(places))
            what = f"is {second.get(key)!r}, and {first.get(key)!r} in {other.place}"
            raise table.error(row, key, f"{what}, for the same network {_name(columns, row)!r}.")


# How it was trained


def _trainings(
    table: Table, columns: Columns, rows: Sequence[Row], index: int
) -> tuple[ImportedTraining, ...]:
    """The trainings of one network, cells without a value left out."""
    found: list[tuple[int | str, ImportedTraining]] = []
    seeds: set[int | str] = set()
    for row in rows:
        cells = several(row.cells.get(columns.result))
        for cell in cells:
            if is_empty(cell):
                continue
            seed = _seed(table, columns, row, len(found))
            if columns.seed is not None and (len(cells) > 1 or seed in seeds):
                what = f"network {_name(columns, row)!r} has two trainings of seed {seed}."
                raise table.error(row, columns.seed, what)
            seeds.add(seed)
            number_ = seed if isinstance(seed, int) and abs(seed) <= LARGEST_SEED else len(found)
            found.append((seed, _training(table, columns, row, cell, number_)))
    if columns.seed is not None:
        found.sort(key=lambda each: (isinstance(each[0], str), each[0]))
    elif len(rows) > 1:
        order = np.random.default_rng([0, index]).permutation(len(found))
        found = [found[place] for place in order]
    return tuple(training for _, training in found)


def _seed(table: Table, columns: Columns, row: Row, place: int) -> int | str:
    if columns.seed is None:
        return place
    cell = row.cells.get(columns.seed)
    if is_empty(cell) or isinstance(cell, list):
        raise table.error(row, columns.seed, "has no seed.")
    (value,) = choices([cell], ".")
    return value if isinstance(value, int) else str(value)


def _training(table: Table, columns: Columns, row: Row, cell: Cell, seed: int) -> ImportedTraining:
    end = bad_end(cell)
    if end is not None:
        return ImportedTraining(seed=seed, state=end, reason=f"{cell} in {table.name}")
    value = number(table, row, columns.result, cell, columns.mark).value
    share = value / 100 if columns.percent else value
    return ImportedTraining(seed=seed, error=1 - share if columns.is_accuracy else share)
