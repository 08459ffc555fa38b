"""The store: what was asked, what is still to be trained, and what every training came to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection, select

from dse.store import contents
from dse.store.claims import Claims
from dse.store.full import add_full_training
from dse.store.imported import add_imported
from dse.store.queue import checkpoint_prefix
from dse.store.records import (
    CandidateRecord,
    Counts,
    ImportedNetwork,
    MeasurementRecord,
    Recorded,
    StudyRecord,
    TrialRecord,
    TrialResult,
)
from dse.store.schema import Trial
from dse.store.watching import Snapshot, read_revisions, take_snapshot

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")


class Store(Claims):
    """A database of studies, and the one that is meant; safe to use from many processes at once.

    What is not about `studies()` is about the one study that the store was opened for, or put
    into it, or else its only survey; so a survey, a search and a paired study are never mixed.
    Every method is one transaction: it happens wholly or not at all, whatever is killed and when.
    Whatever is wrong with the database or the disk is raised as `UserError`; where a server goes
    away, after a minute.
    """

    def add_candidates(self, candidates: Iterable[CandidateRecord]) -> None:
        """Add networks; those already there (by index) stay as they are.

        Raises:
            UserError: one of them is there with another architecture.
        """
        records = list(candidates)
        self._add(lambda c, study: contents.add_candidates(c, self.target, study, records))

    def add_trials(self, trials: Iterable[TrialRecord]) -> None:
        """Add trainings to be done; those already there (by index and replicate) stay as they are.

        Their networks must have been added before.

        Raises:
            UserError: one is there with another seed.
        """
        records = list(trials)
        self._add(lambda c, study: contents.add_trials(c, self.target, study, records))

    def import_study(
        self, study: StudyRecord, networks: Iterable[ImportedNetwork]
    ) -> StudyRecord | None:
        """Put a study that was measured elsewhere into the store, with all it holds.

        The study that has its name already, and nothing is changed; None if there was none. No
        worker is ever given one of its trainings. It is not meant by this store afterwards.
        """
        records, backend = list(networks), self._database.backend
        return self._write(lambda c: add_imported(c, backend, study, records), alone=True)

    def record_training(
        self, study: StudyRecord, network: CandidateRecord, seed: int, result: TrialResult
    ) -> Recorded:
        """Put a full training of a network into a study of such, which is made if need be.

        One from the same seed that is there already stays as it is; one from another seed is the
        network's next replicate. The study is not meant by this store afterwards.

        Raises:
            UserError: the study's name is taken by another study, or its network by another one.
        """
        backend = self._database.backend
        return self._write(
            lambda c: add_full_training(c, backend, self.target, study, network, seed, result),
            alone=True,
        )

    def train_further(self, index: int, replicate: int, *, until_epoch: int | None) -> bool:
        """Let a stopped training wait again, to go on until a later epoch (None: to its end).

        Its epochs are kept, and its worker goes on from the checkpoint, or from the start if
        there is none. False, and nothing is changed, if it neither is stopped before that epoch
        nor already on its way there.
        """
        return self._add(
            lambda c, study: contents.train_further(c, study, index, replicate, until_epoch)
        )

    def add_measurements(self, measurements: Iterable[MeasurementRecord]) -> None:
        """Add measured numbers; one under the same conditions takes the place of an earlier one.

        Their networks must have been added before.
        """
        records = list(measurements)
        backend = self._database.backend
        self._add(lambda c, study: contents.add_measurements(c, backend, study, records))

    def candidates(self) -> list[CandidateRecord]:
        """The study's networks by index, without its references."""
        return self._look(contents.read_candidates)

    def networks(self) -> int:
        """How many networks the study has."""
        return self._look(contents.count_networks)

    def references(self) -> list[str]:
        """The names of the study's references, -1 first."""
        return self._look(contents.read_references)

    def counts(self) -> Counts:
        """How many trials are in each state."""
        return self._look(contents.count_trials)

    def best(self) -> tuple[int, float] | None:
        """Index and error of the network's complete trial with the lowest error so far."""
        return self._look(contents.best_trial)

    def snapshot(self, since: datetime | None = None) -> Snapshot:
        """The study in one look, with the trainings that ended at `since` or later (None: all)."""
        backend = self._database.backend
        return self._look(lambda c, study: take_snapshot(c, backend, study, since))

    def revisions(self) -> dict[str, str]:
        """For each study by name, a text that changes as soon as what ended or was measured does.

        One statement, also on many trainings quick enough to be asked every second.
        """
        return self._read(read_revisions)

    def population(self, *, references: bool = False) -> pd.DataFrame:
        """One row per trial of the networks, or of the references, by index and replicate.

        Columns as in `dse.store.frames`.
        """
        from dse.store import frames  # pandas takes a while to import, and workers never need it

        return self._look(lambda c, study: frames.population(c, study, references=references))

    def curves(self) -> pd.DataFrame:
        """One row per epoch of each training of the networks, by index, replicate and epoch."""
        from dse.store import frames

        return self._look(frames.curves)

    def measurements(self) -> pd.DataFrame:
        """One row per number measured on a network, by index and name."""
        from dse.store import frames

        return self._look(frames.measurements)

    def clear_checkpoints(self, *, stopped: bool = False) -> None:
        """Remove what is left of the study's trainings under way.

        For when none of them waits or runs. Those of stopped ones stay, as they may be asked to go
        on, unless `stopped` says that none will be.
        """
        folder = self.checkpoints
        if folder is None or not folder.is_dir():
            return
        prefix, kept = self._look(_stopped)
        with suppress(OSError):  # another process removes them too, or they may stay: no harm
            for file in folder.iterdir():
                whole = file.name.removeprefix(".")  # else a worker was killed while it wrote
                if whole.startswith(prefix) and (stopped or file.name not in kept):
                    file.unlink(missing_ok=True)
            folder.rmdir()

    def _look(self, work: Callable[[Connection, int], T]) -> T:
        return self._read(lambda c: work(c, self._study(c)))

    def _add(self, work: Callable[[Connection, int], T]) -> T:
        return self._write(lambda c: work(c, self._study(c)), alone=True)


def _stopped(connection: Connection, study_id: int) -> tuple[str, set[str]]:
    """What the names of a study's checkpoints begin with, and those of its stopped trainings."""
    prefix = checkpoint_prefix(study_id)
    query = select(Trial.index, Trial.replicate)
    rows = connection.execute(query.where(Trial.study_id == study_id, Trial.state == "stopped"))
    return prefix, {f"{prefix}{index}-{replicate}.pt" for index, replicate in rows}
