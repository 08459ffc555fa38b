"""The studies of a store, as they were put in, and which of them is meant."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Select, insert, select

from dse.errors import UserError
from dse.store.engines.base import Backend
from dse.store.plain import DESIGN_KEYS, IMPORTED_STUDY_KEYS, STUDY_KEYS, Json, require_keys
from dse.store.records import StudyRecord
from dse.store.schema import Space, Study
from dse.store.target import Target

NONE_YET = 0
"""The id of no study: what is read of it is empty."""


def find_study(connection: Connection, target: Target) -> int:
    """The id of the study that a target means; `NONE_YET` if there is none.

    Without a name it is the only survey, or where there is none the only study if it was imported.

    Raises:
        UserError: it names none, and there are several surveys.
    """
    if target.study is not None:
        return _named(connection, target.study)
    survey = _only_survey(connection, target)
    if survey != NONE_YET:
        return survey
    rows = connection.execute(select(Study.id, Study.kind)).all()
    return rows[0].id if [row.kind for row in rows] == ["imported"] else NONE_YET


def _only_survey(connection: Connection, target: Target) -> int:
    query = select(Study.id, Study.name).where(Study.kind == "survey").order_by(Study.id)
    surveys = connection.execute(query).all()
    if len(surveys) > 1:
        names = ", ".join(repr(survey.name) for survey in surveys)
        raise UserError(f"{target}: holds several surveys: name one with --study: {names}.")
    return surveys[0].id if surveys else NONE_YET


def match_study(connection: Connection, target: Target, asked: StudyRecord) -> int:
    """The id of the study that `asked` would go on with; `NONE_YET` if it would be a new one.

    It is the one that the target names, or the one of the same name, or the only survey.
    """
    found = NONE_YET if target.study else _named(connection, asked.name)
    if found != NONE_YET or (asked.kind != "survey" and target.study is None):
        return found
    return _named(connection, target.study) if target.study else _only_survey(connection, target)


def require_study(connection: Connection, target: Target) -> int:
    """The id of the study that a target means.

    Raises:
        UserError: there is none, or it is not clear which one; the sentence lists what there is.
    """
    found = find_study(connection, target)
    if found != NONE_YET:
        return found
    rows = connection.execute(select(Study.name, Study.kind).order_by(Study.id)).all()
    there = ", ".join(f"{name!r} ({kind})" for name, kind in rows)
    if target.study is not None:
        raise UserError(f"{target}: holds no study {target.study!r}; it holds: {there or 'none'}.")
    if rows:
        raise UserError(f"{target}: holds no survey: name a study with --study: {there}.")
    raise UserError(f"{target}: this store holds no study yet; `dse run` starts one.")


def name_of(connection: Connection, study_id: int) -> str:
    """The study's name."""
    return str(connection.scalars(select(Study.name).where(Study.id == study_id)).one())


def ids_of(connection: Connection, target: Target, names: Collection[str]) -> list[int]:
    """The ids of the studies of these names.

    Raises:
        UserError: there is none of one of the names.
    """
    return [require_study(connection, replace(target, study=name)) for name in names]


def _named(connection: Connection, name: str) -> int:
    return connection.scalar(select(Study.id).where(Study.name == name)) or NONE_YET


def read_study(connection: Connection, study_id: int) -> StudyRecord | None:
    """The study, None if there is none; raises `DamagedError` if it lacks something."""
    row = connection.execute(_studies().where(Study.id == study_id)).mappings().one_or_none()
    return None if row is None else _record(dict(row))


def read_studies(connection: Connection) -> list[StudyRecord]:
    """All studies of the store, the oldest first."""
    rows = connection.execute(_studies().order_by(Study.id)).mappings()
    return [_record(dict(row)) for row in rows]


def add_study(connection: Connection, backend: Backend, study: StudyRecord) -> int:
    """Add a study whose name is free; its id."""
    values = vars(study) | {"created": backend.now()}
    definition = values.pop("space")
    hash_ = values.pop("space_hash")
    space_id = connection.scalar(select(Space.id).where(Space.hash == hash_))
    if space_id is None:
        space = insert(Space).values(hash=hash_, definition=definition).returning(Space.id)
        space_id = connection.scalar(space)
    added = insert(Study).values(values | {"space_id": space_id}).returning(Study.id)
    return int(connection.execute(added).scalar_one())


def _studies() -> Select[*tuple[Any, ...]]:
    return select(
        Study.name,
        Study.kind,
        Study.space_name,
        Space.hash.label("space_hash"),
        Space.definition.label("space"),
        Study.budget,
        Study.seed,
        Study.proxy,
        Study.design,
        Study.provenance,
    ).join_from(Study, Space)


def _record(row: Json) -> StudyRecord:
    needed = IMPORTED_STUDY_KEYS if row["kind"] == "imported" else STUDY_KEYS
    for name, keys in needed.items():
        require_keys(row[name], keys, name)
    require_keys(row["design"], DESIGN_KEYS.get(row["kind"], ()), "design")
    space = row["space"] | {"name": row["space_name"]}  # the row of a space is known by its hash
    return StudyRecord(**row | {"space": space})
