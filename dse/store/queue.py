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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Update,
    and_,
    bindparam,
    case,
    delete,
    exists,
    insert,
    literal,
    not_,
    select,
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

_trials: Final = Trial.metadata.tables[Trial.__tablename__]
_epochs: Final = Epoch.metadata.tables[Epoch.__tablename__]
_t: Final = _trials.c
_held: Final = and_(RUNNING, _t.id == bindparam("its_id"), _t.token == bindparam("its_token"))
RESULT: Final = (
    "state",
    "reason",
    "error",
    "train_loss",
    "seconds",
    "cpu_seconds",
    "test_images",
    "classes",
    "device",
    "dtype",
    "learning_rate",
    "micro_batch",
    "versions",
)


def lease_holds(backend: Backend) -> ColumnElement[bool]:
    """Whether a running trial's worker was heard of lately."""
    clock = backend.clock()
    return and_(_t.lease_until >= clock, _t.lease_until <= clock + _t.lease_seconds)


class Queue:
    """The trials of a database as work to be done.

    The statements of a training are built once, which takes longer than to run them.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._next = {everywhere: _next(backend, everywhere) for everywhere in (True, False)}
        self._claimed = _claimed()
        self._complete = _complete(backend)
        self._add_epochs = insert(_epochs)

    def claim(
        self,
        connection: Connection,
        *,
        token: str,
        worker: str,
        run: str | None,
        studies: Sequence[int] | None,
        lease_seconds: float,
    ) -> ClaimedTrial | None:
        """Take the next trial that waits, of these studies (by id; None: of all).

        What a claimed trial has as its `checkpoint` is only the name of the file.
        """
        values = {
            "new_token": token,
            "new_worker": worker,
            "new_run": run,
            "new_seconds": lease_seconds,
        }
        scope = {} if studies is None else {"studies": studies}
        taken = connection.scalar(self._next[studies is None], values | scope)
        return None if taken is None else self.find_claim(connection, token)

    def find_claim(self, connection: Connection, token: str) -> ClaimedTrial | None:
        """The trial that was claimed with this token, if the claim still holds."""
        row = connection.execute(self._claimed, {"its_token": token}).mappings().one_or_none()
        return None if row is None else _as_claim(row)

    def give_up_leases(self, connection: Connection, max_crashes: int) -> None:
        """Let trials wait again whose worker was not heard of for the length of its lease."""
        lapsed = select(_t.id).correlate(None).where(RUNNING, not_(lease_holds(self._backend)))
        reason = literal("nothing was heard of its worker any more: ") + _t.worker
        which = _t.id.in_(lapsed.with_for_update(skip_locked=True))
        self.crash(connection, which, reason, max_crashes)

    def crash(
        self,
        connection: Connection,
        which: ColumnElement[bool],
        reason: ColumnElement[str],
        max_crashes: int,
    ) -> int:
        """The workers of running trials died: they wait again (how many), or are given up."""
        is_last = _t.crashes >= max_crashes - 1
        given_up = literal(f"given up after {max_crashes} attempts: ") + reason
        ended = (
            update(_trials)
            .where(RUNNING, which)
            .values(
                state=case((is_last, "failed"), else_="waiting"),
                token=None,
                reason=case((is_last, given_up), else_=reason),
                last_reason=reason,
                crashes=_t.crashes + 1,
                finished=case((is_last, self._backend.now())),
            )
            .returning(_t.state)
        )
        return sum(state == "waiting" for state in connection.execute(ended).scalars())

    def release(self, connection: Connection, which: ColumnElement[bool], reason: str) -> int:
        """Let running trials wait again, which is not their fault; how many."""
        again = {"state": "waiting", "token": None, "reason": reason, "last_reason": reason}
        return connection.execute(update(_trials).where(RUNNING, which).values(again)).rowcount

    def heartbeat(
        self, connection: Connection, claim: ClaimedTrial, progress: Mapping[str, Any]
    ) -> bool:
        """Extend a lease, and note how far the training is; whether the claim still holds."""
        until = self._backend.clock() + _t.lease_seconds
        beat = update(_trials).where(_held).values(lease_until=until, **storable(progress))
        return connection.execute(beat, _its(claim)).rowcount == 1

    def complete(self, connection: Connection, claim: ClaimedTrial, result: TrialResult) -> bool:
        """Store a result, if the claim still holds or this very result is there already."""
        values = {f"new_{name}": getattr(result, name) for name in RESULT}
        done = connection.execute(self._complete, storable(values) | _its(claim))
        if done.rowcount == 0:
            mine = select(_t.id).where(_t.id == claim.trial_id, _t.token == claim.token)
            return connection.scalar(mine) is not None
        if result.epochs:
            if claim.continued:
                stale = _epochs.c.epoch >= result.epochs[0].epoch
                connection.execute(
                    delete(_epochs).where(_epochs.c.trial_id == claim.trial_id, stale)
                )
            its = {"trial_id": claim.trial_id}
            rows = [storable(vars(epoch)) | its for epoch in result.epochs]
            connection.execute(self._add_epochs, rows)
        return True


def checkpoint_prefix(study_id: int) -> str:
    """What the names of the files of a study's trainings begin with."""
    return f"{study_id}-"


def _next(backend: Backend, everywhere: bool) -> Update:
    """Claims the waiting trial of the lowest replicate, then index."""
    scope = [] if everywhere else [_t.study_id.in_(bindparam("studies", expanding=True))]
    following = (
        select(_t.id)
        .correlate(None)
        .where(WAITING, *scope)
        .order_by(_t.replicate, _t.index)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    lease = bindparam("new_seconds", type_=_t.lease_seconds.type)
    return (
        update(_trials)
        .where(_t.id == following.scalar_subquery())
        .values(
            state="running",
            reason=None,
            token=bindparam("new_token"),
            worker=bindparam("new_worker"),
            run=bindparam("new_run"),
            lease_until=backend.clock() + lease,
            lease_seconds=lease,
            attempts=_t.attempts + 1,
            step=None,
            steps=None,
            loss=None,
            started=backend.now(),
        )
        .returning(_t.id)
    )


def _claimed() -> Select[*tuple[Any, ...]]:
    """The running trial of a token, with what its worker needs of study and network."""
    columns = (
        Trial.id.label("trial_id"),
        Trial.study_id,
        Trial.token,
        Study.name.label("study"),
        Trial.index,
        Trial.replicate,
        Trial.seed,
        Trial.until_epoch,
        exists().where(Epoch.trial_id == Trial.id).label("continued"),
        Candidate.architecture,
    )
    query = select(*columns).join_from(Trial, Candidate).join(Study)
    return query.where(RUNNING, Trial.token == bindparam("its_token"))


def _complete(backend: Backend) -> Update:
    """Ends the trial of a claim that still holds."""
    values = {name: bindparam(f"new_{name}", type_=_t[name].type) for name in RESULT}
    return update(_trials).where(_held).values(**values, finished=backend.now())


def _as_claim(row: Mapping[Any, Any]) -> ClaimedTrial:
    require_network(row["architecture"], reference=row["index"] < 0)
    values = dict(row)
    file = f"{checkpoint_prefix(values.pop('study_id'))}{row['index']}-{row['replicate']}.pt"
    return ClaimedTrial(**values, checkpoint=Path(file))


def _its(claim: ClaimedTrial) -> dict[str, Any]:
    return {"its_id": claim.trial_id, "its_token": claim.token}


def storable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as both databases can keep them."""
    return {key: _plain(value) for key, value in values.items()}


def _plain(value: Any) -> Any:
    """As both databases can keep it: None for NaN, texts without what is no text.

    The words of an error may hold anything, and must not keep a result from being stored.
    """
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, str):
        return value.encode(errors="replace").decode().replace("\0", "?")
    return value
