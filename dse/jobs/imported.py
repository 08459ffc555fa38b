"""A population that was measured elsewhere: read, said, kept in a store as a study of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import dse
from dse.errors import UserError
from dse.jobs.conclude import STUDIES
from dse.jobs.tables.columns import COST_WORDS, Asked, Columns, find_columns
from dse.jobs.tables.networks import find_networks
from dse.jobs.tables.reading import Table, read_table
from dse.space import load_space
from dse.store.database import store_exists
from dse.store.records import ImportedNetwork, StudyRecord, kind_words
from dse.store.store import Store
from dse.store.target import Place, Target, parse_target


@dataclass(frozen=True, kw_only=True)
class Import:
    """A table, read: what will be kept, or was.

    Attributes:
        study: as the store has it.
        networks: with all their trainings.
        columns: what each column was taken for.
        target: the store.
        was_there: nothing was done, as the same file is there under this name.
    """

    study: StudyRecord
    networks: tuple[ImportedNetwork, ...]
    columns: Columns
    target: Target
    was_there: bool = False

    @property
    def trainings(self) -> int:
        """How many trainings have ended."""
        return sum(len(network.trainings) for network in self.networks)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was found, what was guessed, and what it must not be taken for."""
        total = len(self.networks)
        untrained = sum(not network.trainings for network in self.networks)
        bad = sum(t.error is None for network in self.networks for t in network.trainings)
        parts = [f"{_many(total, 'network')}, {_many(self.trainings, 'training')}"]
        parts += [f"{bad:,} of them ended badly"] if bad else []
        parts += [f"{_many(untrained, 'network')} without one"] if untrained else []
        parts += ["every network of the space, as --complete says"] if self._is_complete else []
        rows = [f"{self.study.provenance['file']}: {'; '.join(parts)}.", *self.columns.guessed]
        choices = list(self.networks[0].choices)
        named = ", ".join(choices[:12]) + (", ..." if len(choices) > 12 else "")
        rows.append(f"{_many(len(choices), 'choice')}{f': {named}' if choices else ''}.")
        rows += [
            f"The {COST_WORDS[cost]} of {missing:,} of {total:,} networks are not told."
            for cost in ("flops", "params")
            if (missing := sum(getattr(network, cost) is None for network in self.networks))
        ]
        return tuple(rows)

    @property
    def _is_complete(self) -> bool:
        return bool(self.study.design.get("complete"))

    def rows(self) -> list[dict[str, Any]]:
        """A row a training as plain values; errors are fractions."""
        return [
            {
                "study": self.study.name,
                "network": network.name,
                "index": index,
                "replicate": replicate,
                "state": training.state,
                "error": training.error,
                "flops": network.flops,
                "params": network.params,
                "choices": network.choices,
            }
            for index, network in enumerate(self.networks)
            for replicate, training in enumerate(network.trainings)
        ]


def import_job(
    *,
    file: str,
    name: str,
    store: Place | None,
    asked: Asked,
    space: str | None = None,
    classes: int | None = None,
    test_images: int | None = None,
    complete: bool = False,
    dry: bool = False,
) -> Import:
    """Read a table and keep it in a store under `name`; with `dry`, only read it.

    Args:
        file: CSV, JSON or JSON Lines.
        name: of the study.
        store: by default `studies/NAME.db`.
        asked: what the columns are.
        space: a design space that the networks are of, if it can be said.
        classes: of the data set; an error of 1 - 1/classes is guessing.
        test_images: how many held-out images stand behind each error.
        complete: the file has every network of its space, trained or not, each once; the trained
            ones are as good as drawn at random from them.
        dry: write nothing.

    Raises:
        UserError: the file cannot be read, or the store has another study of that name.
    """
    table = read_table(file)
    columns = find_columns(table, asked)
    networks = tuple(find_networks(table, columns))
    study = _record(
        table,
        columns,
        networks,
        name=name,
        space=space,
        known={"classes": classes, "test_images": test_images}
        | ({"complete": True} if complete else {}),
    )
    target = parse_target(store or STUDIES / f"{name}.db")
    found = Import(study=study, networks=networks, columns=columns, target=target)
    stored = _stored(target, name)
    if stored is None and not dry:
        with Store.open(target, create=True) as opened:
            stored = opened.import_study(study, networks)
    return _compare(found, stored)


def _many(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _stored(target: Target, name: str) -> StudyRecord | None:
    if not store_exists(target):
        return None
    with Store.open(parse_target(target, study=name), read_only=True) as opened:
        return opened.study()


def _compare(found: Import, stored: StudyRecord | None) -> Import:
    """What was found, and whether it was there already.

    Raises:
        UserError: another study has its name.
    """
    if stored is None:
        return found
    where = f"{found.target}: {stored.name!r} is there already"
    if stored.kind != "imported":
        raise UserError(
            f"{where}, and is {kind_words(stored.kind)}: choose another name with --as."
        )
    there, here = stored.design, found.study.design
    if there["sha256"] != here["sha256"]:
        raise UserError(
            f"{where}, from {stored.provenance['file']} with other contents (sha256 "
            f"{there['sha256'][:12]}, here {here['sha256'][:12]}): choose another name with --as."
        )
    differing = stored.differences(found.study)
    if differing:
        raise UserError(
            f"{where}, from the same file, but read otherwise: {'; '.join(differing)}: choose "
            "another name with --as."
        )
    return replace(found, study=stored, was_there=True)


def _record(
    table: Table,
    columns: Columns,
    networks: Sequence[ImportedNetwork],
    *,
    name: str,
    space: str | None,
    known: dict[str, int | None],
) -> StudyRecord:
    return StudyRecord(
        name=name,
        kind="imported",
        **_space(space, table, name),
        budget={},
        seed=0,
        proxy={},
        design={
            "repeat": _repeated(networks),
            "sha256": table.sha256,
            "columns": columns.to_dict(),
            **known,
        },
        provenance={
            "file": table.name,
            "imported": datetime.now(UTC).isoformat(timespec="seconds"),
            "note": "measured elsewhere, and not by dse",
            "convention": "costs as the file counts them",
            "dse": dse.__version__,
        },
    )


def _space(space: str | None, table: Table, name: str) -> Mapping[str, Any]:
    if space is None:
        return {
            "space_name": name,
            "space_hash": f"table {table.sha256}",
            "space": {"name": name, "parameters": {}},
        }
    found = load_space(space)
    return {
        "space_name": found.name,
        "space_hash": found.hash,
        "space": found.definition(),
    }


def _repeated(networks: Sequence[ImportedNetwork]) -> float:
    """1 if every network that was trained was so at least twice, and none was chosen for it."""
    seeds = [len(network.trainings) for network in networks if network.trainings]
    return 1.0 if seeds and min(seeds) > 1 else 0.0
