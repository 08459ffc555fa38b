"""Which column of a table is the error, which a cost, which a choice: as told, or by its name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from dse.errors import UserError
from dse.jobs.tables.numbers import SCALES, WORDS, Mark
from dse.jobs.tables.reading import KEY, Table
from dse.jobs.tables.units import HEADER_UNIT, Unit, find_mark, is_percent, require_scale
from dse.store.plain import IMPORTED_KEYS

COST_WORDS: Final = {"flops": "FLOPs", "params": "parameters", "activations": "activations"}

NAMES: Final[dict[str, str]] = {
    "network": r"network|networks?_?(name|id)|model|model_?name|name|architecture|arch|arch_?id|id",
    "error": r"(test_|val_|valid_|validation_|top_?1_)?(error|err)(_rate|_top_?1|_?1)?",
    "accuracy": r"(test_|val_|valid_|validation_|top_?1_)?(accuracy|acc)(_top_?1|_?1)?|top_?1",
    "flops": r"[kmgt]?(flops?|macs?|m_?adds?|mult_adds?|multiply_adds?)",
    "params": r"[kmgb]?(params?|parameters?)|(n|num|nr|number_of)_param(s|eters?)|param_count",
    "activations": r"[kmgb]?(activations?|acts?)",
    "seed": r"seed|seed_id|run_seed",
}
"""What a column may be called, in small letters, without its unit."""
RESULT: Final = re.compile(
    r"(^|_)(acc|accuracy|err|errors?|loss|std|stddev|top_?[15](_\w+)?|f1|auc)(_|\d|$)"
)
"""Other results of training, which are no choice: a network is not chosen by them."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a person says of a table's columns; None where it is to be guessed.

    A cost may be written COLUMN:G for a column of billions. `choices` are (new name, column).
    """

    error: str | None = None
    accuracy: str | None = None
    unit: Unit | None = None
    flops: str | None = None
    params: str | None = None
    network: str | None = None
    seed: str | None = None
    choices: tuple[tuple[str, str], ...] = ()
    without: tuple[str, ...] = ()
    split_key: str | None = None
    decimal: Mark | None = None


@dataclass(frozen=True, kw_only=True)
class Columns:
    """What the columns of a table are.

    Attributes:
        result: the column of the errors, or of accuracies if `is_accuracy`.
        percent: the result is in per cent, not a fraction.
        network: the column of names; rows of one name are trainings of one network.
        seed: the column that tells these apart.
        costs: cost to its column and what a number there is multiplied by.
        choices: column to the name of the choice.
        split_key: the name under which the parts of a network's name are choices, too.
        mark: what stands before decimals.
        guessed: what was not said, in sentences.
    """

    result: str
    is_accuracy: bool
    percent: bool
    network: str | None
    seed: str | None
    costs: Mapping[str, tuple[str, float]]
    choices: Mapping[str, str]
    split_key: str | None
    mark: Mark | None
    guessed: tuple[str, ...] = field(default=(), compare=False)

    def to_dict(self) -> dict[str, object]:
        """As plain values, for the provenance."""
        return {
            "accuracy" if self.is_accuracy else "error": self.result,
            "unit": "percent" if self.percent else "fraction",
            "network": self.network,
            "seed": self.seed,
            "costs": {name: list(each) for name, each in self.costs.items()},
            "choices": {name: column for column, name in self.choices.items()},
            "split_key": self.split_key,
            "decimal": WORDS[self.mark or "."],
        }


def find_columns(table: Table, asked: Asked) -> Columns:
    """Say what each column is; the rest are choices.

    Raises:
        UserError: a column is not there, two may be meant, or a unit cannot be told.
    """
    notes = list(table.notes)
    left_out = {_there(table, column) for column in asked.without}
    table = replace(table, columns=tuple(c for c in table.columns if c not in left_out))
    result, is_accuracy = _result(table, asked, notes)
    network = KEY if table.keyed and not asked.network else None
    network = network or _role(table, "network", asked.network, asked, notes)
    seed = _role(table, "seed", asked.seed, asked, notes)
    costs = _costs(table, asked, notes)
    mark = asked.decimal or find_mark(table, [result, *(column for column, _ in costs.values())])
    for name, (column, factor) in costs.items():
        require_scale(table, name, column, factor, mark)
    percent = is_percent(
        table, result, is_accuracy=is_accuracy, mark=mark, asked=asked.unit, notes=notes
    )
    taken = {result, network, seed, *(column for column, _ in costs.values())}
    return Columns(
        result=result,
        is_accuracy=is_accuracy,
        percent=percent,
        network=network,
        seed=seed,
        costs=costs,
        choices=_choices(table, asked, taken, notes),
        split_key=_split_key(table, asked, network),
        mark=mark,
        guessed=tuple(notes),
    )


def _result(table: Table, asked: Asked, notes: list[str]) -> tuple[str, bool]:
    if asked.error and asked.accuracy:
        raise UserError("--error and --accuracy: name one of them.")
    if asked.error or asked.accuracy:
        return _there(table, asked.error or asked.accuracy or ""), asked.accuracy is not None
    kinds = ("error", "accuracy")
    found = [(column, kind) for kind in kinds for column in _called(table, kind, asked)]
    if len(found) == 1:
        column, kind = found[0]
        notes.append(f"Column {column!r} is taken for the {kind}, by its name.")
        return column, kind == "accuracy"
    if found:
        names = ", ".join(repr(column) for column, _ in found)
        raise UserError(
            f"{table.name}: the columns {names} may all be the error or the accuracy: name one "
            "with --error or --accuracy."
        )
    raise UserError(
        f"{table.name}: no column is called like an error or an accuracy: name it with --error or "
        f"--accuracy; there are {_listed(table.columns)}."
    )


def _role(table: Table, role: str, told: str | None, asked: Asked, notes: list[str]) -> str | None:
    """The column of a role, as told or as called; None if there is none."""
    if told is not None:
        return _there(table, told)
    found = _called(table, role, asked)
    if len(found) > 1:
        raise UserError(
            f"{table.name}: the columns {_listed(found)} may all be the {role}: name one with "
            f"--{'seed-column' if role == 'seed' else role}, or leave others out with --without."
        )
    if not found:
        return None
    meant = COST_WORDS.get(role, role)
    notes.append(f"Column {found[0]!r} is taken for the {meant}, by its name.")
    return found[0]


def _called(table: Table, role: str, asked: Asked) -> list[str]:
    """The columns that are called like a role, and for which no other use was told."""
    told = {column for _, column in asked.choices}
    free = [column for column in table.columns if column not in told]
    return [column for column in free if re.fullmatch(NAMES[role], _plain(column))]


def _plain(column: str) -> str:
    """A column's name in small letters, without its unit."""
    return re.sub(r"[^a-z0-9]+", "_", HEADER_UNIT.sub("", column).strip().lower()).strip("_")


def _there(table: Table, column: str) -> str:
    if column not in table.columns:
        raise UserError(
            f"{table.name}: has no column {column!r}; there are {_listed(table.columns)}."
        )
    return column


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(map(repr, columns))


# Costs


def _costs(table: Table, asked: Asked, notes: list[str]) -> dict[str, tuple[str, float]]:
    told = {"flops": asked.flops, "params": asked.params}
    told |= {new: column for new, column in asked.choices if new in COST_WORDS}
    found = {}
    for cost in COST_WORDS:
        name = told.get(cost)
        column, letter = (name, "") if name is None else _with_scale(table, name)
        column = _role(table, cost, column, asked, notes)
        if column is not None:
            found[cost] = column, SCALES[letter or _scale_of(column)]
    return found


def _with_scale(table: Table, name: str) -> tuple[str, str]:
    """A column that is named with its scale, as "FLOPs:G"."""
    column, colon, letter = name.rpartition(":")
    if name in table.columns or not colon or letter.lower() not in SCALES:
        return name, ""
    return column, letter.lower()


def _scale_of(column: str) -> str:
    """The scale that a column's own name tells: "Params (M)", "GFLOPs"."""
    unit = HEADER_UNIT.search(column)
    text = unit[1].lower() if unit else _plain(column)
    words = {"million": "m", "millions": "m", "billion": "g", "billions": "g"}
    if text in words:
        return words[text]
    count = r"(flops?|macs?|m_?adds?|params?|parameters?|activations?|acts?)"
    found = re.fullmatch(rf"([kmgbt]){'?' if unit is None else ''}{count}?", text)
    return (found[1] or "") if found and text not in ("madds", "madd") else ""


# Choices


def _choices(
    table: Table, asked: Asked, taken: set[str | None], notes: list[str]
) -> dict[str, str]:
    """The columns that are choices, and the names of these."""
    named = {_there(table, column): new for new, column in asked.choices if new not in COST_WORDS}
    left = [c for c in table.columns if c not in taken]
    results = [c for c in left if c not in named and RESULT.search(_plain(c))]
    if results:
        notes.append(
            f"Left out as other results, not choices: {_listed(results)} (--map NAME=COLUMN keeps "
            "one)."
        )
    found = {c: named.get(c, c) for c in left if c not in results}
    for column in named.keys() - found.keys():
        raise UserError(f"--map {named[column]}={column}: the column is used already.")
    if any(name in IMPORTED_KEYS for name in found.values()):
        raise UserError(f"{table.name}: no choice may be called {IMPORTED_KEYS[0]!r}: --map it.")
    if len(set(found.values())) < len(found):
        raise UserError("--map: two columns have one new name.")
    return found


def _split_key(table: Table, asked: Asked, network: str | None) -> str | None:
    if asked.split_key is not None and network is None:
        raise UserError(f"--split-key: {table.name} has no names of networks: give --network.")
    return asked.split_key
