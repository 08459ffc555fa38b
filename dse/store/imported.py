"""Studies that were measured elsewhere, put into a store wholly or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from dse.store import studies
from dse.store.engines.base import Backend
from dse.store.plain import IMPORTED_KEYS
from dse.store.records import ImportedNetwork, StudyRecord
from dse.store.schema import Candidate, Study, Trial


def add_imported(
    connection: Connection,
    backend: Backend,
    study: StudyRecord,
    networks: Sequence[ImportedNetwork],
) -> StudyRecord | None:
    """Add an imported study with all it holds; the one that has its name already, if there is one.

    Networks without a training are kept, too: they are part of the space.
    """
    assert study.kind == "imported"
    named = connection.scalar(select(Study.id).where(Study.name == study.name))
    if named is not None:
        return studies.read_study(connection, named)
    study_id = studies.add_study(connection, backend, study)
    if networks:
        candidates = [_candidate(study_id, index, each) for index, each in enumerate(networks)]
        connection.execute(insert(Candidate), candidates)
    trials = [
        _trial(study, study_id, index, replicate, network)
        for index, network in enumerate(networks)
        for replicate in range(len(network.trainings))
    ]
    if trials:
        connection.execute(insert(Trial), trials)
    return None


def _candidate(study_id: int, index: int, network: ImportedNetwork) -> dict[str, Any]:
    choices = json.dumps(network.choices, sort_keys=True)
    return {
        "study_id": study_id,
        "index": index,
        "architecture": {IMPORTED_KEYS[0]: network.name} | network.choices,
        "hash": hashlib.sha256(choices.encode()).hexdigest()[:12],
        "flops": network.flops,
        "params": network.params,
        "activations": network.activations,
    }


def _trial(
    study: StudyRecord, study_id: int, index: int, replicate: int, network: ImportedNetwork
) -> dict[str, Any]:
    """A training that has ended, and that no worker will ever be given."""
    return vars(network.trainings[replicate]) | {
        "study_id": study_id,
        "index": index,
        "replicate": replicate,
        "attempts": 0,
        "crashes": 0,
        "classes": study.design.get("classes"),
        "test_images": study.design.get("test_images"),
    }
