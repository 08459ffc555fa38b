"""The store: what was asked, what is still to be trained, and what every training came to."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from sqlalchemy import Connection, Engine, func, insert, select, update

from dse.errors import UserError
from dse.store import check
from dse.store import engine as connections
from dse.store.records import (
    NETWORK_KEYS,
    REFERENCE_KEYS,
    CandidateRecord,
    ClaimedTrial,
    Counts,
    StudyRecord,
    TrialRecord,
    TrialResult,
    require_keys,
)
from dse.store.schema import Candidate, Epoch, Study, Trial, now
from dse.store.study import read_study

if TYPE_CHECKING:
    import pandas as pd

MAX_CRASHES: Final = 3
"""A training whose worker died this often is given up: it would take down every worker."""


class Store:
    """One study in one SQL database; safe to use from many processes at once.

    Every method is one transaction: it happens wholly or not at all, whatever is killed and when.
    Whatever is wrong with the file or the disk is raised as `UserError`.
    """

    def __init__(self, path: Path, engine: Engine) -> None:
        self.path = path
        self._engine = engine

    @classmethod
    def open(
        cls, target: str | os.PathLike[str], *, create: bool = False, read_only: bool = False
    ) -> Self:
        """Open the store that a path or an `sqlite:///` URL names.

        `create` makes it where there is none, and looks through all pages of one that exists
        before a run builds on it. `read_only` promises not to write, which also opens a store on
        a medium that cannot be written. Raises `UserError` for a missing, damaged or foreign
        file, another schema version, and a file or folder without write permission; a refused
        file is left as it was and no new one is left behind.
        """
        path = connections.store_path(target)
        fresh = check.is_fresh(path)
        if fresh and not create:
            raise UserError(f"{path}: there is no store here: `dse run` starts one.")
        if read_only and not check.is_writable(path):
            return cls(path, connections.connect(path, read_only=True))
        check.require_writable(path, create=create)
        if create and not fresh:
            check.check_pages(path)
        return cls(path, connections.create(path) if fresh else connections.connect(path))

    def close(self) -> None:
        """Close all connections; the last one to close folds the `-wal` file into the store."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def checkpoints(self) -> Path:
        """The folder beside the store for trainings under way."""
        return self.path.with_name(f"{self.path.name}.checkpoints")

    # What is asked

    def study(self) -> StudyRecord | None:
        """The study of this store, None if it holds none yet."""
        with self._read() as connection:
            return read_study(connection)

    def create_study(self, study: StudyRecord) -> None:
        """Put the study into a store without one; do nothing if it is there already.

        Raises `UserError` if the store holds another study, see `require_study`.
        """
        with self._write() as connection:
            if read_study(connection) is None:
                connection.execute(insert(Study).values(**vars(study), created=now()))
        self.require_study(study)

    def require_study(self, study: StudyRecord) -> None:
        """Raise `UserError` that says what differs, if anything that decides the results does."""
        stored = self.study()
        differences = [] if stored is None else stored.differences(study)
        if differences:
            raise UserError(
                f"{self.path}: holds another study: {'; '.join(differences)}: "
                "ask for the same again, or choose another --store."
            )

    def add_candidates(self, candidates: Iterable[CandidateRecord]) -> None:
        """Add networks; those already there (by index) stay as they are.

        Raises `UserError` if one of them is there with another architecture.
        """
        with self._write() as connection:
            study_id = connection.scalars(select(Study.id)).one()
            query = select(Candidate.index, Candidate.hash)
            stored = dict(connection.execute(query).all())
            for candidate in candidates:
                if candidate.index not in stored:
                    values = vars(candidate) | {"study_id": study_id}
                    connection.execute(insert(Candidate).values(values))
                elif candidate.hash != stored[candidate.index]:
                    raise UserError(
                        f"{self.path}: network {candidate.index} there is not the one that this "
                        "version of dse samples: use the version that started the study, or "
                        "choose another --store."
                    )

    def add_trials(self, trials: Iterable[TrialRecord]) -> None:
        """Add trainings to be done; those already there (by index and replicate) stay as they are.

        Their networks must have been added before. Raises `UserError` if one is there with
        another seed.
        """
        with self._write() as connection:
            keys = select(Candidate.index, Candidate.id)
            candidates = dict(connection.execute(keys).all())
            seeds = select(Candidate.index, Trial.replicate, Trial.seed).join_from(Trial, Candidate)
            stored = {(index, copy): seed for index, copy, seed in connection.execute(seeds)}
            for trial in trials:
                known = stored.get((trial.index, trial.replicate))
                if known is None:
                    values = {
                        "candidate_id": candidates[trial.index],
                        "replicate": trial.replicate,
                        "seed": trial.seed,
                        "state": "waiting",
                        "attempts": 0,
                        "crashes": 0,
                    }
                    connection.execute(insert(Trial).values(values))
                elif known != trial.seed:
                    raise UserError(
                        f"{self.path}: network {trial.index} was trained there from seed {known}, "
                        f"not {trial.seed}: use the version that started the study, or choose "
                        "another --store."
                    )

    # The queue of work

    def claim(self, worker: str) -> ClaimedTrial | None:
        """Take the next waiting trial (lowest replicate, then index); None if none waits.

        No two callers get the same one: SQLite admits one writing transaction at a time.
        """
        following = (
            select(
                Trial.id.label("trial_id"),
                Trial.replicate,
                Trial.seed,
                Candidate.index,
                Candidate.architecture,
            )
            .join_from(Trial, Candidate)
            .where(Trial.state == "waiting")
            .order_by(Trial.replicate, Candidate.index)
            .limit(1)
        )
        token = secrets.token_hex(16)
        with self._write() as connection:
            row = connection.execute(following).one_or_none()
            if row is None:
                return None
            connection.execute(
                update(Trial)
                .where(Trial.id == row.trial_id)
                .values(
                    state="running",
                    token=token,
                    worker=worker,
                    attempts=Trial.attempts + 1,
                    started=now(),
                )
            )
            require_keys(
                row.architecture,
                NETWORK_KEYS if row[3] >= 0 else REFERENCE_KEYS,
                "architecture",
            )
        place = self.checkpoints / f"{row[3]}-{row.replicate}.pt"
        return ClaimedTrial(token=token, checkpoint=place, **row._mapping)

    def complete(self, claim: ClaimedTrial, result: TrialResult) -> bool:
        """Store how a claimed training ended, with its learning curve, in one transaction.

        False, and nothing is changed, if the claim is no longer the trial's newest: the training
        was given to someone else meanwhile, or is finished already.
        """
        values = vars(result) | {"token": None, "finished": now()}
        epochs = values.pop("epochs")
        with self._write() as connection:
            finished = connection.execute(
                update(Trial)
                .where(Trial.id == claim.trial_id, Trial.token == claim.token)
                .values(values)
            )
            if finished.rowcount == 0:
                return False
            if epochs:
                rows = [vars(epoch) | {"trial_id": claim.trial_id} for epoch in epochs]
                connection.execute(insert(Epoch), rows)
        return True

    def requeue_running(self, reason: str, *, worker: str | None = None) -> int:
        """Let running trials wait again, from the start; how many.

        For the one run that holds the store's lock. Without `worker`: all of them, as their run
        was interrupted, which is not the trainings' fault and may happen any number of times.
        With `worker`: the one in which this worker died; after `MAX_CRASHES` deaths the trial
        ends as failed, with the reason, and is not counted here.
        """
        running = update(Trial).where(Trial.state == "running")
        again: dict[str, Any] = {"state": "waiting", "token": None, "reason": reason}
        with self._write() as connection:
            if worker is None:
                return connection.execute(running.values(again)).rowcount
            crashed = running.where(Trial.worker == worker)
            connection.execute(
                crashed.where(Trial.crashes >= MAX_CRASHES - 1).values(
                    state="failed",
                    token=None,
                    reason=f"given up after {MAX_CRASHES} attempts: {reason}",
                    crashes=Trial.crashes + 1,
                    finished=now(),
                )
            )
            again["crashes"] = Trial.crashes + 1
            return connection.execute(crashed.values(again)).rowcount

    # What came of it

    def networks(self) -> int:
        """How many networks the study has."""
        query = select(func.count()).select_from(Candidate).where(Candidate.index >= 0)
        with self._read() as connection:
            return connection.scalar(query) or 0

    def references(self) -> list[str]:
        """The names of the study's references, -1 first."""
        query = select(Candidate.architecture).where(Candidate.index < 0)
        with self._read() as connection:
            rows = connection.scalars(query.order_by(Candidate.index.desc())).all()
        return [str(row["reference"]) for row in rows]

    def counts(self) -> Counts:
        """How many trials are in each state."""
        query = select(Trial.state, func.count()).group_by(Trial.state)
        with self._read() as connection:
            return Counts(**dict(connection.execute(query).all()))

    def best(self) -> tuple[int, float] | None:
        """Index and error of the network's complete trial with the lowest error so far."""
        query = (
            select(Candidate.index, Trial.error)
            .join_from(Trial, Candidate)
            .where(Trial.error.is_not(None), Candidate.index >= 0)
            .order_by(Trial.error, Candidate.index)
            .limit(1)
        )
        with self._read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else (row[0], float(row[1] or 0.0))

    def population(self, *, references: bool = False) -> pd.DataFrame:
        """One row per trial of the networks, or of the references, by index and replicate.

        Columns as in `dse.store.frames`.
        """
        from dse.store import frames  # pandas takes a while to import, and workers never need it

        with self._read() as connection:
            return frames.population(connection, references=references)

    def curves(self) -> pd.DataFrame:
        """One row per epoch of each finished training, by index, replicate and epoch."""
        from dse.store import frames

        with self._read() as connection:
            return frames.curves(connection)

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with connections.sound(self.path), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with connections.sound(self.path), connections.writing(self._engine) as connection:
            yield connection
