"""How far a study is, in one look: counts, the best network, what is under way, what has ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, not_, select

from dse.store.contents import best_trial, count_trials
from dse.store.engines.base import Backend
from dse.store.queue import lease_holds
from dse.store.records import Counts, Outcome
from dse.store.schema import RUNNING, Candidate, Measurement, Study, Trial


@dataclass(frozen=True, kw_only=True)
class Flight:
    """A training that a worker is in; `overdue` if nothing is heard of the worker any more.

    `seconds` are since it was claimed; `step`, `steps` and `loss` are what the worker last told.
    """

    worker: str
    index: int
    replicate: int
    seconds: float
    step: int | None = None
    steps: int | None = None
    loss: float | None = None
    overdue: bool = False

    @property
    def fraction(self) -> float:
        """How much of the training is done."""
        return self.step / self.steps if self.step and self.steps else 0.0


@dataclass(frozen=True, kw_only=True)
class Landing:
    """A training that ended; `seconds` of training, `error` a fraction."""

    index: int
    replicate: int
    state: Outcome
    reason: str | None
    error: float | None
    seconds: float | None
    finished: datetime


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A study at the time `now`; `landings` are those since the time that was asked for."""

    now: datetime
    counts: Counts
    best: tuple[int, float] | None = None
    flights: tuple[Flight, ...] = ()
    landings: tuple[Landing, ...] = ()


def take_snapshot(
    connection: Connection, backend: Backend, study_id: int, since: datetime | None
) -> Snapshot:
    """The study as it is; with the trainings that ended at `since` or later, all if None."""
    now = connection.execute(select(backend.now())).scalar_one()
    return Snapshot(
        now=now,
        counts=count_trials(connection, study_id),
        best=best_trial(connection, study_id),
        flights=_flights(connection, backend, study_id, now),
        landings=_landings(connection, study_id, since),
    )


def read_revisions(connection: Connection) -> dict[str, str]:
    """For each study by name, a text that is another one as soon as its tables are.

    What changes while a training runs does not count: neither the worker that has it nor how far
    it is.
    """
    ended = Trial.state.not_in(("waiting", "running"))
    trials = (
        select(
            Trial.study_id,
            func.count().label("all"),
            func.count().filter(ended).label("ended"),
            func.max(Trial.finished).label("newest"),
        )
        .group_by(Trial.study_id)
        .subquery()
    )
    measured = (
        select(
            Candidate.study_id,
            func.count(Measurement.id).label("all"),
            func.max(Measurement.measured).label("newest"),
        )
        .join_from(Measurement, Candidate)
        .group_by(Candidate.study_id)
        .subquery()
    )
    query = (
        select(Study.name, Study.id, Study.created, *list(trials.c)[1:], *list(measured.c)[1:])
        .outerjoin(trials, trials.c.study_id == Study.id)
        .outerjoin(measured, measured.c.study_id == Study.id)
    )
    return {name: " ".join(map(str, rest)) for name, *rest in connection.execute(query)}


def _flights(
    connection: Connection, backend: Backend, study_id: int, now: datetime
) -> tuple[Flight, ...]:
    query = (
        select(
            Trial.worker,
            Trial.index,
            Trial.replicate,
            Trial.step,
            Trial.steps,
            Trial.loss,
            Trial.started,
            not_(lease_holds(backend)).label("overdue"),
        )
        .where(Trial.study_id == study_id, RUNNING)
        .order_by(Trial.worker)
    )
    found = []
    for row in connection.execute(query).mappings():
        values = dict(row)
        seconds = (now - values.pop("started")).total_seconds()
        found.append(Flight(**values | {"seconds": max(0.0, seconds)}))
    return tuple(found)


def _landings(connection: Connection, study_id: int, since: datetime | None) -> tuple[Landing, ...]:
    query = select(
        Trial.index,
        Trial.replicate,
        Trial.state,
        Trial.reason,
        Trial.error,
        Trial.seconds,
        Trial.finished,
    ).where(Trial.study_id == study_id, Trial.finished.is_not(None))
    query = query.where(Trial.state.not_in(("waiting", "running")))
    if since is not None:
        query = query.where(Trial.finished >= since)
    rows = connection.execute(query.order_by(Trial.finished, Trial.index, Trial.replicate))
    return tuple(Landing(**row) for row in rows.mappings())
