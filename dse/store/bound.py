"""An open store that means one of its studies."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy import Connection

from dse.errors import UserError
from dse.store import studies
from dse.store.database import Database, open_database
from dse.store.records import StudyRecord
from dse.store.target import Place, Target, parse_target

T = TypeVar("T")


class BoundStore:
    """Opening, closing, and which study is meant."""

    def __init__(self, target: Target, database: Database, checkpoints: Path | None) -> None:
        self.target = target
        self.checkpoints = checkpoints
        """The folder for trainings under way; None if there is no place for them."""
        self._database = database
        self._study_id = studies.NONE_YET

    @classmethod
    def open(
        cls,
        place: Place,
        *,
        study: str | None = None,
        create: bool = False,
        read_only: bool = False,
        patience: float = 0.0,
        checkpoints: str | os.PathLike[str] | None = None,
    ) -> Self:
        """Open the store that a path, an `sqlite:///` or a `postgresql://` URL names.

        Args:
            place: where it is.
            study: the one that is meant; needed where there are several surveys, and for every
                study that is none.
            create: make the store where there is none, and look through all pages of a file
                before a run builds on it.
            read_only: promise not to write, which also opens a file on a medium that cannot be
                written. A store of an older schema is upgraded in place, after a backup, only
                without it.
            patience: for how many seconds a server that does not answer is tried again.
            checkpoints: folder for trainings under way, by default beside a file; on a server,
                there is none by default.

        Raises:
            UserError: a missing, damaged or foreign database, a newer schema, or no right to use
                it. A refused file is left as it was, and no new one is left behind.
        """
        target = parse_target(place, study=study)
        database = open_database(target, create=create, read_only=read_only, patience=patience)
        folder = None if checkpoints is None else Path(checkpoints)
        if folder is None and target.path is not None:
            folder = target.path.with_name(f"{target.path.name}.checkpoints")
        return cls(target, database, folder)

    def close(self) -> None:
        """Close all connections; the last one to close folds a file's `-wal` into it."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # Which study is meant

    def studies(self) -> list[StudyRecord]:
        """All studies of the database, the oldest first."""
        return self._read(studies.read_studies)

    def study(self) -> StudyRecord | None:
        """The study that is meant, None if it is not there yet."""
        return self._read(lambda c: studies.read_study(c, self._study(c)))

    def existing_study(self) -> StudyRecord:
        """The study that is meant.

        Raises:
            UserError: it is not there; the sentence lists those that are.
        """

        def read(connection: Connection) -> StudyRecord:
            found = studies.read_study(connection, studies.require_study(connection, self.target))
            assert found is not None
            return found

        return self._read(read)

    def trainable_study(self) -> StudyRecord:
        """The study that is meant, if it is one in which networks are trained and measured.

        Raises:
            UserError: it is not there, was measured elsewhere, or records full trainings.
        """
        found = self.existing_study()
        if found.kind == "training":
            raise UserError(
                f"{self.target}: {found.name!r} records full trainings of networks of "
                f"{found.design['of']!r}: `dse train` trains them, and they are measured there."
            )
        if found.kind == "imported":
            raise UserError(
                f"{self.target}: {found.name!r} was measured elsewhere "
                f"({found.provenance['file']}): nothing is trained or measured in it."
            )
        return found

    def match(self, asked: StudyRecord) -> StudyRecord | None:
        """The study that `asked` would go on with, None if it would be a new one.

        It is the one that the store was opened for, or that of the same name, or the only survey.
        """
        return self._read(
            lambda c: studies.read_study(c, studies.match_study(c, self.target, asked))
        )

    def create_study(self, study: StudyRecord) -> None:
        """Put a study into the store, or go on with the one that `match`es; it is meant from now.

        Raises:
            UserError: that one is another study; the sentence says what differs.
        """
        name = self.target.study
        asked = study if name is None else replace(study, name=name)

        def put(connection: Connection) -> str:
            found = studies.match_study(connection, self.target, asked)
            stored = studies.read_study(connection, found)
            if stored is None:
                studies.add_study(connection, self._database.backend, asked)
                return asked.name
            self._require_same(stored, asked)
            return stored.name

        self.target = replace(self.target, study=self._write(put, alone=True))
        self._study_id = studies.NONE_YET

    def require_study(self, asked: StudyRecord) -> None:
        """Raise `UserError` that says what differs from the study that would be gone on with."""
        stored = self.match(asked)
        if stored is not None:
            self._require_same(stored, asked)

    def _require_same(self, stored: StudyRecord, asked: StudyRecord) -> None:
        differences = stored.differences(asked)
        if differences:
            raise UserError(
                f"{self.target}: holds another study, {stored.name}: {'; '.join(differences)}: "
                "ask for the same again, name a new one with --study, or choose another --store."
            )

    def _study(self, connection: Connection) -> int:
        """The id of the study that is meant, `NONE_YET` if it is not there."""
        if self._study_id == studies.NONE_YET:
            self._study_id = studies.find_study(connection, self.target)
        return self._study_id

    # Transactions

    def _read(self, work: Callable[[Connection], T]) -> T:
        return self._database.read(work)

    def _write(self, work: Callable[[Connection], T], *, alone: bool = False) -> T:
        return self._database.write(work, alone=alone)
