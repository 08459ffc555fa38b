"""A store in one file.

WAL: reports read while workers write. `synchronous=FULL`: a finished training is on the disk when
its worker goes on, even if the power fails; one `fsync` costs milliseconds, a training many
seconds. Python's sqlite3 leaves out BEGIN before reads, so SQLAlchemy sends it: plain for reading,
BEGIN IMMEDIATE for writing, as a transaction that reads first and writes later would otherwise
fail where another writer came in between.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    DateTime,
    Engine,
    Float,
    bindparam,
    create_engine,
    event,
)
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from dse.errors import UserError
from dse.store.engines import sqlite_file as file
from dse.store.engines.base import damaged
from dse.store.lock import require_no_other_run
from dse.store.target import Target

BUSY_SECONDS: Final = 60.0


class Sqlite:
    """SQLite in WAL mode, through Python's own driver."""

    one_run = True

    def __init__(self, target: Target) -> None:
        assert target.path is not None
        self.target = target
        self.path = target.path

    def version(self) -> int | None:
        """The store's schema version; a file that is refused is left as it was."""
        try:
            return file.look(self.target, self.path)
        except sqlite3.DatabaseError as error:
            raise self._refusal(error) from error

    def connect(self, *, create: bool = False, read_only: bool = False) -> Engine:
        """An engine; one that is `read_only` cannot write, and leaves no trace beside the file."""
        if read_only:
            return self._reader()
        file.require_writable(self.path, create=create)
        self._existed = self.path.exists()
        if create and self._existed:
            try:
                file.check_pages(self.target, self.path)
            except sqlite3.DatabaseError as error:
                raise self._refusal(error) from error
        return self._engine()

    def _engine(self) -> Engine:
        url = URL.create("sqlite", database=str(self.path))
        engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})

        @event.listens_for(engine, "connect")
        def set_up(connection: sqlite3.Connection, _: object) -> None:
            connection.isolation_level = None
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")

        _begin_plainly(engine)
        return engine

    def _reader(self) -> Engine:
        """An engine that opens the file for each transaction, in the way that suits it then."""

        def connect() -> sqlite3.Connection:
            if not self.path.exists():
                raise UserError(f"{self.target}: is not there any more.")
            return file.open_to_read(self.path, timeout=BUSY_SECONDS, isolation_level=None)

        engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
        _begin_plainly(engine)
        return engine

    def begin_alone(self, connection: Connection) -> None:
        """Nothing to do: BEGIN IMMEDIATE excludes all other writers."""

    def clock(self) -> ColumnElement[float]:
        """Seconds since the machine started; all workers of a file are on one machine."""
        return bindparam(None, callable_=monotonic, type_=Float)

    def now(self) -> ColumnElement[datetime]:
        """The machine's time."""
        return bindparam(None, callable_=_now, type_=DateTime(timezone=True))

    def explain(self, error: BaseException) -> str | None:
        """What a person can do about an error of SQLite's."""
        if isinstance(error, sqlite3.DatabaseError):
            return explain(error, self.target)
        return None

    def is_lost(self, error: BaseException) -> bool:
        """Never: a busy file is waited for by SQLite itself."""
        return False

    def back_up(self, connection: Connection, version: int) -> str:
        """Copy the file as it was before the transaction of `connection`.

        Raises:
            UserError: a run, perhaps of an older version, is working on it.
        """
        require_no_other_run(self.path)
        names = (self.path.name + f".v{version}{n or ''}.backup" for n in count())
        place = next(p for p in map(self.path.with_name, names) if not p.exists())
        half = place.with_name(f"{place.name}.half")
        half.unlink(missing_ok=True)
        with (
            closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS)) as source,
            closing(sqlite3.connect(half)) as copy,
        ):
            source.backup(copy)
        half.replace(place)
        return str(place)

    def discard(self) -> None:
        """Remove a file that was not there before `connect`."""
        if not self._existed:
            for suffix in ("", "-wal", "-shm", "-journal"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def _refusal(self, error: sqlite3.DatabaseError) -> UserError:
        return UserError(self.explain(error) or f"{self.target}: is no store ({error}).")


def _begin_plainly(engine: Engine) -> None:
    """Let transactions begin as this module's docstring says."""

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("dse_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def monotonic() -> float:
    """Seconds since the machine started, the same in all its processes."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def _now() -> datetime:
    return datetime.now(UTC)


def explain(error: sqlite3.DatabaseError, target: Target) -> str | None:
    """What a person can do about a database error; None if it is a mistake of this program."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the kind of error
    if code == sqlite3.SQLITE_FULL:
        return (
            f"{target}: the disk is full: free some space and run the same command again, "
            "what was finished is kept."
        )
    if code == sqlite3.SQLITE_NOTADB:
        return (
            f"{target}: is no SQLite database, or a damaged one: move it away, or choose another "
            "--store."
        )
    if code == sqlite3.SQLITE_CORRUPT:
        return damaged(target)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"{target}: another program has locked the store for {BUSY_SECONDS:g} s: close it."
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return (
            f"{target}: cannot be opened for writing: give write permission for the file and its "
            "folder, or choose another --store."
        )
    if code == sqlite3.SQLITE_IOERR:
        return f"{target}: the disk is full or failing ({error}): free some space and try again."
    return None
