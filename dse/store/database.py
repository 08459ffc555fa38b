"""Transactions on a store's database: wholly or not at all, and again after a lost connection."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from json import JSONDecodeError
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from dse.errors import UserError
from dse.store.engines.base import SCHEMA_VERSION, Backend, damaged
from dse.store.engines.sqlite import Sqlite
from dse.store.plain import DamagedError
from dse.store.target import Target

RETRY_SECONDS: Final = 60.0
"""For so long a transaction is tried again after its connection was lost."""
FIRST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 2.0

T = TypeVar("T")
Work = Callable[[Connection], T]
"""The statements of one transaction. It may be run again, and so changes nothing but the store."""


class Database:
    """An open database. Whatever is wrong with it or its place is raised as `UserError`.

    A transaction whose connection is lost, as when a server starts again, is run again for
    `RETRY_SECONDS`. Its first commit may have succeeded unheard, so all writing is idempotent.
    """

    def __init__(self, backend: Backend, engine: Engine) -> None:
        self.backend = backend
        self.retry_seconds = RETRY_SECONDS
        self._engine = engine
        self._writing = engine.execution_options(dse_writes=True)

    def read(self, work: Work[T]) -> T:
        """Run a transaction that only reads."""

        def whole() -> T:
            with self._engine.begin() as connection:
                return work(connection)

        return patiently(self.backend, whole, self.retry_seconds)

    def write(self, work: Work[T], *, alone: bool = False) -> T:
        """Run a transaction that writes; with `alone`, no other such one overlaps it."""

        def whole() -> T:
            with self._writing.begin() as connection:
                if alone:
                    self.backend.begin_alone(connection)
                return work(connection)

        return patiently(self.backend, whole, self.retry_seconds)

    def close(self) -> None:
        """Close all connections; the last one to close folds SQLite's `-wal` file into it."""
        self._engine.dispose()


def open_database(
    target: Target, *, create: bool = False, read_only: bool = False, patience: float = 0.0
) -> Database:
    """Open a store, or make one; one of an older schema is upgraded unless `read_only`.

    `patience` is for how many seconds a server that does not answer is tried again.

    Raises:
        UserError: there is no store, none of this schema, or not the right to use it.
    """
    backend = make_backend(target)
    version = patiently(backend, backend.version, patience)
    if version is None and not create:
        raise UserError(f"{target}: there is no store here: `dse run` starts one.")
    if version is not None:
        require_version(target, version, read_only=read_only)
    engine = patiently(
        backend, lambda: backend.connect(create=create, read_only=read_only), patience
    )
    database = Database(backend, engine)
    if version != SCHEMA_VERSION:
        _upgrade(database)
    return database


def store_exists(target: Target) -> bool:
    """Whether there is a store, of whatever schema.

    Raises:
        UserError: there is something else, or it cannot be reached.
    """
    backend = make_backend(target)
    return patiently(backend, backend.version, 0.0) is not None


def make_backend(target: Target) -> Backend:
    """What knows this kind of database.

    Raises:
        UserError: its driver is not installed.
    """
    if target.path is not None:
        return Sqlite(target)
    from dse.store.engines.postgresql import Postgresql

    return Postgresql(target)


def require_version(target: Target, version: int, *, read_only: bool) -> None:
    """Raise `UserError` unless this code reads the schema version, or may upgrade to its own."""
    if version > SCHEMA_VERSION:
        raise UserError(
            f"{target}: was written by a newer dse (schema version {version}; this one knows "
            f"{SCHEMA_VERSION}): upgrade dse, or choose another --store."
        )
    if version < SCHEMA_VERSION and read_only:
        raise UserError(
            f"{target}: was written by an older dse (schema version {version}; this one reads "
            f"{SCHEMA_VERSION}): `dse upgrade {target}` brings it up to date and keeps a backup."
        )


def patiently(backend: Backend, attempt: Callable[[], T], seconds: float) -> T:
    """What `attempt` gives, tried again for so long while its connection is lost.

    Raises:
        UserError: it was lost for too long, or a person can mend what is wrong.
    """
    end = time.monotonic() + seconds
    pause = FIRST_PAUSE
    while True:
        try:
            return attempt()
        except DBAPIError as error:
            cause = error.orig or error
            if not backend.is_lost(cause) or time.monotonic() + pause > end:
                sentence = backend.explain(cause)
                if sentence is None:
                    raise
                raise UserError(sentence) from error
        except (DamagedError, JSONDecodeError) as error:
            raise UserError(damaged(backend.target, str(error))) from error
        time.sleep(pause * random.uniform(0.5, 1.5))  # not all workers at the same moment
        pause = min(2 * pause, LONGEST_PAUSE)


def _upgrade(database: Database) -> None:
    from dse.store.upgrade import upgrade  # Alembic takes a while to import

    try:
        done = database.write(lambda c: upgrade(c, database.backend), alone=True)
    except BaseException:
        database.close()
        database.backend.discard()
        raise
    if done:
        print(f"{database.backend.target}: {done}", file=sys.stderr)
