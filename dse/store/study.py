"""The study of a store, as it was put in or not at all."""

from __future__ import annotations

from dataclasses import fields

from sqlalchemy import Connection, select

from dse.store.records import STUDY_KEYS, StudyRecord, require_keys
from dse.store.schema import Study


def read_study(connection: Connection) -> StudyRecord | None:
    """The study, None if the store holds none yet; raises `DamagedError` if it lacks something."""
    columns = [getattr(Study, field.name) for field in fields(StudyRecord)]
    row = connection.execute(select(*columns)).one_or_none()
    if row is None:
        return None
    study = StudyRecord(**row._mapping)
    for name, keys in STUDY_KEYS.items():
        require_keys(getattr(study, name), keys, name)
    return study
