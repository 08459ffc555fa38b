"""A study's networks, trainings and measurements, as statements inside a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from dse.errors import UserError
from dse.store.engines.base import Backend
from dse.store.plain import require_network
from dse.store.records import CandidateRecord, Counts, MeasurementRecord, TrialRecord
from dse.store.schema import Candidate, Measurement, Trial
from dse.store.target import Target

MEASUREMENT_KEY: Final = (
    "candidate_id",
    "name",
    "device",
    "dtype",
    "batch",
    "layout",
    "resolution",
)


def add_candidates(
    connection: Connection, target: Target, study_id: int, candidates: Sequence[CandidateRecord]
) -> None:
    """Add networks; those already there stay as they are.

    Raises:
        UserError: one of them is there with another architecture.
    """
    query = select(Candidate.index, Candidate.hash).where(Candidate.study_id == study_id)
    stored = dict(connection.execute(query).all())
    new = []
    for candidate in candidates:
        if candidate.index not in stored:
            stored[candidate.index] = candidate.hash
            new.append(vars(candidate) | {"study_id": study_id})
        elif candidate.hash != stored[candidate.index]:
            raise UserError(
                f"{target}: network {candidate.index} there is not the one that this version of "
                "dse samples: use the version that started the study, or choose another --store."
            )
    if new:
        connection.execute(insert(Candidate), new)


def add_trials(
    connection: Connection, target: Target, study_id: int, trials: Sequence[TrialRecord]
) -> None:
    """Add trainings to be done; those already there stay as they are.

    Raises:
        UserError: one is there with another seed.
    """
    seeds = select(Trial.index, Trial.replicate, Trial.seed).where(Trial.study_id == study_id)
    stored = {(index, copy): seed for index, copy, seed in connection.execute(seeds)}
    fresh = {"study_id": study_id, "state": "waiting", "attempts": 0, "crashes": 0}
    new = []
    for trial in trials:
        key = trial.index, trial.replicate
        if key not in stored:
            stored[key] = trial.seed
            new.append(vars(trial) | fresh)
        elif trial.seed != stored[key]:
            raise UserError(
                f"{target}: network {trial.index} was trained there from seed {stored[key]}, not "
                f"{trial.seed}: use the version that started the study, or choose another --store."
            )
    if new:
        connection.execute(insert(Trial), new)


def train_further(
    connection: Connection, study_id: int, index: int, replicate: int, until_epoch: int | None
) -> bool:
    """Let a stopped training wait to be continued; whether it is on its way there."""
    this = (Trial.study_id == study_id, Trial.index == index, Trial.replicate == replicate)
    state, before = connection.execute(select(Trial.state, Trial.until_epoch).where(*this)).one()
    later = before is not None and (until_epoch is None or before < until_epoch)
    if state == "stopped" and later:
        again = {"state": "waiting", "token": None, "until_epoch": until_epoch}
        connection.execute(update(Trial).where(*this).values(again))
        return True
    return bool(state in ("waiting", "running") and before == until_epoch)


def add_measurements(
    connection: Connection,
    backend: Backend,
    study_id: int,
    measurements: Sequence[MeasurementRecord],
) -> None:
    """Add measurements, the newest of two under the same conditions in the place of the other."""
    query = select(Candidate.index, Candidate.id).where(Candidate.study_id == study_id)
    candidates = dict(connection.execute(query).all())
    rows = {}
    for measurement in measurements:
        row = vars(measurement) | {"candidate_id": candidates[measurement.index]}
        del row["index"]
        rows[tuple(row[name] for name in MEASUREMENT_KEY)] = row
    if not rows:
        return
    table = Measurement.__table__.c
    same = [table[name] == bindparam(f"old_{name}") for name in MEASUREMENT_KEY]
    keys = [dict(zip((f"old_{n}" for n in MEASUREMENT_KEY), key, strict=True)) for key in rows]
    connection.execute(delete(Measurement).where(*same), keys)
    connection.execute(insert(Measurement).values(measured=backend.now()), list(rows.values()))


def read_candidates(connection: Connection, study_id: int) -> list[CandidateRecord]:
    """The study's networks, without its references, by index."""
    query = (
        select(
            Candidate.index,
            Candidate.architecture,
            Candidate.hash,
            Candidate.flops,
            Candidate.params,
            Candidate.activations,
            Candidate.origin,
        )
        .where(Candidate.study_id == study_id, Candidate.index >= 0)
        .order_by(Candidate.index)
    )
    records = [CandidateRecord(**row) for row in connection.execute(query).mappings()]
    for record in records:
        require_network(record.architecture, reference=False)
    return records


def read_references(connection: Connection, study_id: int) -> list[str]:
    """The names of the study's references, -1 first."""
    query = select(Candidate.architecture).where(
        Candidate.study_id == study_id, Candidate.index < 0
    )
    rows = connection.scalars(query.order_by(Candidate.index.desc())).all()
    for row in rows:
        require_network(row, reference=True)
    return [str(row["reference"]) for row in rows]


def count_networks(connection: Connection, study_id: int) -> int:
    """How many networks the study has, without its references."""
    query = select(func.count()).select_from(Candidate)
    query = query.where(Candidate.study_id == study_id, Candidate.index >= 0)
    return connection.scalar(query) or 0


def count_trials(connection: Connection, study_id: int) -> Counts:
    """How many of the study's trials are in each state."""
    query = select(Trial.state, func.count()).where(Trial.study_id == study_id)
    rows = connection.execute(query.group_by(Trial.state)).all()
    return Counts(**dict(rows))


def best_trial(connection: Connection, study_id: int) -> tuple[int, float] | None:
    """Index and error of the network's complete trial with the lowest error so far."""
    query = (
        select(Trial.index, Trial.error)
        .where(Trial.study_id == study_id, Trial.error.is_not(None), Trial.index >= 0)
        .order_by(Trial.error, Trial.index)
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else (row[0], float(row[1] or 0.0))
