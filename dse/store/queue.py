"""The queue of work, as statements inside a transaction.

A claim is a lease: it holds until `lease_until` on the database's own clock, and a heartbeat
extends it. A lease that ends further ahead than its own length was not made on this clock (the
machine was started again, the clock was set), and does not hold either. So none can hold for ever,
and no worker's clock plays a part.

A claim's token is made by the client. What was committed unheard is found by it again, and whoever
lost a claim has a token that no running trial has.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    delete,
    insert,
    literal,
    not_,
    select,
    true,
    update,
)

from dse.store.engines.base import Backend
from dse.store.plain import require_network
from dse.store.records import ClaimedTrial, TrialResult
from dse.store.schema import RUNNING, WAITING, Candidate, Epoch, Study, Trial

LEASE_SECONDS: Final = 60.0
"""A worker that is not heard of for so long has lost its training."""
MAX_CRASHES: Final = 5
"""A training whose worker died this often is given up: it would take down every worker."""


@dataclass(frozen=True, kw_only=True)
class Claimant:
    """Who takes a trial, from which studies (by id; None for all), and for how long."""

    token: str
    worker: str
    run: str | None
    studies: Sequence[int] | None
    lease_seconds: float
    max_crashes: int

    @property
    def scope(self) -> ColumnElement[bool]:
        """Whether a trial is of one of the studies."""
        return true() if self.studies is None else Trial.study_id.in_(self.studies)


def claim(connection: Connection, backend: Backend, claimant: Claimant) -> ClaimedTrial | None:
    """Take the next trial that waits, after those whose lease ran out wait again.

    What a claimed trial has as its `checkpoint` is only the name of the file.
    """
    give_up_leases(connection, backend, claimant)
    following = (
        select(Trial.id)
        .correlate(None)
        .where(WAITING, claimant.scope)
        .order_by(Trial.replicate, Trial.index)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    taken = (
        update(Trial)
        .where(Trial.id == following.scalar_subquery())
        .values(
            state="running",
            reason=None,
            token=claimant.token,
            worker=claimant.worker,
            run=claimant.run,
            lease_until=backend.clock() + claimant.lease_seconds,
            lease_seconds=claimant.lease_seconds,
            attempts=Trial.attempts + 1,
            step=None,
            steps=None,
            loss=None,
            started=backend.now(),
        )
        .returning(Trial.id)
    )
    trial_id = connection.execute(taken).scalar_one_or_none()
    return None if trial_id is None else _claimed(connection, Trial.id == trial_id)


def any_left(connection: Connection, studies: Sequence[int] | None) -> bool:
    """Whether a trial of these studies (all, if None) waits or runs."""
    mine = true() if studies is None else Trial.study_id.in_(studies)
    left = (select(Trial.id).where(which, mine).limit(1) for which in (WAITING, RUNNING))
    return any(connection.scalar(query) is not None for query in left)


def find_claim(connection: Connection, token: str) -> ClaimedTrial | None:
    """The trial that was claimed with this token, if the claim still holds."""
    return _claimed(connection, and_(RUNNING, Trial.token == token))


def _claimed(connection: Connection, condition: ColumnElement[bool]) -> ClaimedTrial | None:
    query = (
        select(
            Trial.id.label("trial_id"),
            Trial.study_id,
            Trial.token,
            Study.name.label("study"),
            Trial.index,
            Trial.replicate,
            Trial.seed,
            Trial.until_epoch,
            Candidate.architecture,
        )
        .join_from(Trial, Candidate)
        .join(Study)
        .where(condition)
    )
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    require_network(row["architecture"], reference=row["index"] < 0)
    values = dict(row)
    checkpoint = f"{checkpoint_prefix(values.pop('study_id'))}{row['index']}-{row['replicate']}.pt"
    return ClaimedTrial(**values, checkpoint=Path(checkpoint))


def checkpoint_prefix(study_id: int) -> str:
    """What the names of the files of a study's trainings begin with."""
    return f"{study_id}-"


def lease_holds(backend: Backend) -> ColumnElement[bool]:
    """Whether a running trial's worker was heard of lately."""
    clock = backend.clock()
    return and_(Trial.lease_until >= clock, Trial.lease_until <= clock + Trial.lease_seconds)


def give_up_leases(connection: Connection, backend: Backend, claimant: Claimant) -> None:
    """Let trials wait again whose worker was not heard of for the length of its lease."""
    lapsed = (
        select(Trial.id)
        .correlate(None)
        .where(RUNNING, not_(lease_holds(backend)), claimant.scope)
        .with_for_update(skip_locked=True)
    )
    reason = literal("nothing was heard of its worker any more: ") + Trial.worker
    crash(connection, backend, Trial.id.in_(lapsed), reason, claimant.max_crashes)


def crash(
    connection: Connection,
    backend: Backend,
    which: ColumnElement[bool],
    reason: ColumnElement[str],
    max_crashes: int,
) -> int:
    """The workers of running trials died: they wait again (how many), or are given up for good."""
    is_last = Trial.crashes >= max_crashes - 1
    given_up = literal(f"given up after {max_crashes} attempts: ") + reason
    ended = (
        update(Trial)
        .where(RUNNING, which)
        .values(
            state=case((is_last, "failed"), else_="waiting"),
            token=None,
            reason=case((is_last, given_up), else_=reason),
            last_reason=reason,
            crashes=Trial.crashes + 1,
            finished=case((is_last, backend.now())),
        )
        .returning(Trial.state)
    )
    return sum(state == "waiting" for state in connection.execute(ended).scalars())


def release(connection: Connection, which: ColumnElement[bool], reason: str) -> int:
    """Let running trials wait again, which is not their fault; how many."""
    again = {"state": "waiting", "token": None, "reason": reason, "last_reason": reason}
    return connection.execute(update(Trial).where(RUNNING, which).values(again)).rowcount


def heartbeat(
    connection: Connection, backend: Backend, claim: ClaimedTrial, progress: dict[str, Any]
) -> bool:
    """Extend a lease, and note how far the training is; whether the claim still holds."""
    until = backend.clock() + Trial.lease_seconds
    beat = update(Trial).where(_held(claim)).values(lease_until=until, **_storable(progress))
    return connection.execute(beat).rowcount == 1


def complete(
    connection: Connection, backend: Backend, claim: ClaimedTrial, result: TrialResult
) -> bool:
    """Store a result, if the claim still holds or this very result is there already."""
    values = _storable(vars(result)) | {"finished": backend.now()}
    del values["epochs"]
    done = connection.execute(update(Trial).where(_held(claim)).values(values))
    if done.rowcount == 0:
        mine = select(Trial.id).where(Trial.id == claim.trial_id, Trial.token == claim.token)
        return connection.scalar(mine) is not None
    if result.epochs:
        first = result.epochs[0].epoch  # a stopped training had a beginning of the curve
        connection.execute(
            delete(Epoch).where(Epoch.trial_id == claim.trial_id, Epoch.epoch >= first)
        )
        rows = [_storable(vars(epoch)) | {"trial_id": claim.trial_id} for epoch in result.epochs]
        connection.execute(insert(Epoch), rows)
    return True


def _held(claim: ClaimedTrial) -> ColumnElement[bool]:
    return and_(RUNNING, Trial.id == claim.trial_id, Trial.token == claim.token)


def _storable(values: dict[str, Any]) -> dict[str, Any]:
    """With None for NaN, as SQLite keeps it and as PostgreSQL does not by itself."""
    return {
        key: None if isinstance(value, float) and math.isnan(value) else value
        for key, value in values.items()
    }
