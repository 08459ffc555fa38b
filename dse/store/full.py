"""Full trainings of a study's networks, kept in a study of their own beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, func, insert, select

from dse.errors import UserError
from dse.store import studies
from dse.store.contents import add_candidates
from dse.store.engines.base import Backend
from dse.store.queue import RESULT, storable
from dse.store.records import CandidateRecord, Recorded, StudyRecord, TrialResult
from dse.store.schema import Epoch, Trial
from dse.store.target import Target


def add_full_training(
    connection: Connection,
    backend: Backend,
    target: Target,
    study: StudyRecord,
    network: CandidateRecord,
    seed: int,
    result: TrialResult,
) -> Recorded:
    """Add a training that has ended, with its network and its study where they are not there.

    Raises:
        UserError: the study's name is taken by another study, or its network by another one.
    """
    assert study.kind == "training"
    study_id = _find_or_add(connection, backend, target, study)
    add_candidates(connection, target, study_id, [network])
    mine = (Trial.study_id == study_id, Trial.index == network.index)
    query = select(Trial.replicate, Trial.state, Trial.error).where(*mine, Trial.seed == seed)
    there = connection.execute(query).one_or_none()
    if there is not None:
        found: dict[str, Any] = dict(there._mapping) | {"was_there": True}
    else:
        replicate = connection.scalar(select(func.count()).select_from(Trial).where(*mine)) or 0
        key = {"study_id": study_id, "index": network.index, "replicate": replicate, "seed": seed}
        _insert(connection, backend, key, result)
        found = {"replicate": replicate, "state": result.state, "error": result.error}
        found["was_there"] = False
    return Recorded(study=study.name, index=network.index, **found)


def _find_or_add(
    connection: Connection, backend: Backend, target: Target, study: StudyRecord
) -> int:
    """The id of the study."""
    named = studies.find_study(connection, replace(target, study=study.name))
    stored = studies.read_study(connection, named)
    if stored is None:
        return studies.add_study(connection, backend, study)
    if stored.differences(study):
        raise UserError(f"{target}: the name {study.name!r} is taken there by another study.")
    return named


def _insert(
    connection: Connection, backend: Backend, key: dict[str, Any], result: TrialResult
) -> None:
    values = storable({name: getattr(result, name) for name in RESULT})
    ended = {"attempts": 1, "crashes": 0, "finished": backend.now()}
    added = insert(Trial).values(key | values | ended).returning(Trial.id)
    trial_id = connection.execute(added).scalar_one()
    rows = [storable(vars(epoch)) | {"trial_id": trial_id} for epoch in result.epochs]
    if rows:
        connection.execute(insert(Epoch), rows)
