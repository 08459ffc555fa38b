"""The queue of work, as workers and those who watch them use it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, Literal

from sqlalchemy import ColumnElement, Connection, and_, literal

from dse.store.bound import BoundStore
from dse.store.database import Database
from dse.store.queue import LEASE_SECONDS, MAX_CRASHES, Queue
from dse.store.records import ClaimedTrial, TrialResult
from dse.store.schema import Trial
from dse.store.studies import ids_of
from dse.store.target import Target

BEAT_SECONDS: Final = LEASE_SECONDS / 6
"""How often a worker should be heard of."""
Studies = Collection[str] | Literal["all"] | None
"""Whose trials to take: named studies', all, or (None) those of the study that is meant."""


class Claims(BoundStore):
    """Taking trials, keeping them and giving them back."""

    def __init__(self, target: Target, database: Database, checkpoints: Path | None) -> None:
        super().__init__(target, database, checkpoints)
        self._queue = Queue(database.backend)
        self._look_at = 0.0
        """On this process's clock: when to look for lost leases while there is other work."""

    def claim(
        self,
        worker: str,
        *,
        run: str | None = None,
        studies: Studies = None,
        lease_seconds: float = LEASE_SECONDS,
        max_crashes: int = MAX_CRASHES,
    ) -> ClaimedTrial | None:
        """Take the next waiting trial (lowest replicate, then index); None if none waits.

        No two callers get the same one. The claim holds for `lease_seconds` after it and after
        each `heartbeat`; a trial whose lease has run out waits again, as after a crash, and after
        `max_crashes` of them ends as failed, with the reason.

        Args:
            worker: its name, which no other worker has.
            run: the run that started it, which stops it before it ends; None for a worker of its
                own.
            studies: whose trials; by default those of the study that is meant.
            lease_seconds: length of the lease.
            max_crashes: so many of a trial's workers may die.

        Raises:
            UserError: there is no study of that name.
        """
        token = secrets.token_hex(16)
        attempts = 0

        def take(connection: Connection) -> ClaimedTrial | None:
            nonlocal attempts
            attempts += 1
            if attempts > 1 and (mine := self._queue.find_claim(connection, token)):
                return mine  # committed before the connection was lost
            take_next = partial(
                self._queue.claim,
                connection,
                token=token,
                worker=worker,
                run=run,
                studies=self._ids(connection, studies),
                lease_seconds=lease_seconds,
            )
            if time.monotonic() < self._look_at and (found := take_next()):
                return found
            self._queue.give_up_leases(connection, max_crashes)
            self._look_at = time.monotonic() + BEAT_SECONDS
            return take_next()

        claimed = self._write(take)
        if claimed is None or claimed.checkpoint is None:
            return claimed
        folder = self.checkpoints
        return replace(claimed, checkpoint=folder and folder / claimed.checkpoint)

    def heartbeat(
        self,
        claim: ClaimedTrial,
        *,
        step: int | None = None,
        steps: int | None = None,
        loss: float | None = None,
    ) -> bool:
        """Extend the claim's lease and note how far it is; False if it is lost for good."""
        progress = {"step": step, "steps": steps, "loss": loss}
        told = {key: value for key, value in progress.items() if value is not None}
        return self._write(lambda c: self._queue.heartbeat(c, claim, told))

    def complete(self, claim: ClaimedTrial, result: TrialResult) -> bool:
        """Store how a claimed training ended, with its learning curve, in one transaction.

        True if it is stored, also if it was before, in which case the first result stays. False,
        and nothing is changed, if the training was given to someone else meanwhile.
        """
        assert result.state != "stopped" or claim.until_epoch is not None
        return self._write(lambda c: self._queue.complete(c, claim, result))

    def release(self, who: ClaimedTrial | str, reason: str) -> int:
        """Let the trial of a claim, or of a worker, wait again at once; how many did.

        For a worker that is stopped, which is not the training's fault.
        """
        which = Trial.worker == who
        if isinstance(who, ClaimedTrial):
            which = and_(Trial.id == who.trial_id, Trial.token == who.token)
        return self._release(which, reason)

    def release_run(self, run: str, reason: str) -> int:
        """Let the trials of the workers that a run started wait again; how many did."""
        return self._release(Trial.run == run, reason)

    def release_dead_runs(self, reason: str) -> int:
        """Let the trials of the workers of all runs wait again; how many did.

        For the one run that holds a file's `store_lock`: all runs before it are dead, and their
        workers with them, while workers of no run keep their leases. On a server runs do not
        exclude each other, and nothing is done.
        """
        if not self._database.backend.one_run:
            return 0
        return self._release(Trial.run.is_not(None), reason)

    def crashed(self, worker: str, reason: str, *, max_crashes: int = MAX_CRASHES) -> int:
        """This worker died: its trial waits again, or is given up for good; how many wait."""
        why = literal(reason)
        return self._write(lambda c: self._queue.crash(c, Trial.worker == worker, why, max_crashes))

    def _release(self, which: ColumnElement[bool], reason: str) -> int:
        return self._write(lambda c: self._queue.release(c, which, reason))

    def _ids(self, connection: Connection, names: Studies) -> list[int] | None:
        if names == "all":
            return None
        if names is None:
            return [self._study(connection)]
        return ids_of(connection, self.target, names)
