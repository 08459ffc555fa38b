"""A store in a database of a PostgreSQL server, for workers on many machines.

Several stores' tables cannot be in one schema, but one store holds many studies, and other
programs' tables may be beside it. Every commit is on the server's disk when it returns, as is
PostgreSQL's default. A dead connection is noticed within half a minute.
"""

from __future__ import annotations

from datetime import datetime
from itertools import count
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Float,
    cast,
    create_engine,
    extract,
    func,
    inspect,
)

from dse.errors import UserError
from dse.store.engines.base import version_in
from dse.store.schema import PREFIX
from dse.store.target import Target

LOCK: Final = 0x647365  # "dse", the key of an advisory lock
CONNECTION: Final = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    "application_name": "dse",
}
"""libpq's settings, in seconds and milliseconds, unless the URL has others."""
LOST: Final = ("08", "57P01", "57P02", "57P03", "40P01", "40001", "53300")
"""SQLSTATEs, or their beginnings, of transactions that may be tried again."""
REFUSALS: Final = {
    "28": "the server refuses the user or the password: give them in the URL or in ~/.pgpass",
    "3D": "there is no such database on the server: make it with createdb",
    "42501": "the user has no right to do this: grant it, or choose another --store",
    "25006": "the server only lets itself be read",
    "53100": "the server's disk is full: free some space and run the same command again, what was "
    "finished is kept",
    "53300": "the server has no connection left: close some, or raise its max_connections",
}


class Postgresql:
    """PostgreSQL through psycopg 3."""

    one_run = False

    def __init__(self, target: Target) -> None:
        try:
            import psycopg
        except ImportError:
            raise UserError(
                f"{target}: needs the PostgreSQL driver: python -m pip install 'dse[postgresql]'."
            ) from None
        self.target = target
        self._operational = psycopg.OperationalError
        given = target.url.query
        settings = {name: value for name, value in CONNECTION.items() if name not in given}
        self._engine = create_engine(target.url, connect_args=settings)

    def version(self) -> int | None:
        """The store's schema version; the tables of other programs do not matter."""
        with self._engine.connect() as connection:
            return version_in(self.target, connection)

    def connect(self, *, create: bool = False, read_only: bool = False) -> Engine:
        """The engine; the server itself knows who may write."""
        return self._engine

    def begin_alone(self, connection: Connection) -> None:
        """Wait for all others of its kind, until the end of the transaction."""
        connection.execute(func.pg_advisory_xact_lock(LOCK).select())

    def clock(self) -> ColumnElement[float]:
        """The server's clock, whatever the workers' clocks say."""
        return cast(extract("epoch", func.clock_timestamp()), Float)

    def now(self) -> ColumnElement[datetime]:
        """The server's time."""
        return func.clock_timestamp()

    def explain(self, error: BaseException) -> str | None:
        """What a person can do about an error of the server's or the driver's."""
        state = getattr(error, "sqlstate", None)
        if state is None:
            if isinstance(error, self._operational):
                return f"{self.target}: no connection to the server ({_words(error)})."
            return None
        for beginning, advice in REFUSALS.items():
            if state.startswith(beginning):
                return f"{self.target}: {advice} ({_words(error)})."
        return f"{self.target}: {_words(error)}." if self.is_lost(error) else None

    def is_lost(self, error: BaseException) -> bool:
        """Whether the connection or the server is gone, or another transaction came in between."""
        state = getattr(error, "sqlstate", None)
        if state is None:
            return isinstance(error, self._operational)
        return bool(state.startswith(LOST))

    def back_up(self, connection: Connection, version: int) -> str:
        """Copy the tables into a schema of their own, in the transaction of `connection`."""
        taken = inspect(connection).get_schema_names()
        names = (f"{PREFIX}backup_v{version}{f'_{n}' if n else ''}" for n in count())
        schema = next(name for name in names if name not in taken)
        connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
        for table in inspect(connection).get_table_names():
            if table.startswith(PREFIX):
                connection.exec_driver_sql(f"CREATE TABLE {schema}.{table} AS TABLE {table}")
        return f"the schema {schema} of the same database"

    def discard(self) -> None:
        """Nothing to do: a transaction that makes tables can be undone."""


def _words(error: BaseException) -> str:
    words = " ".join(str(error).split()) or type(error).__name__
    return words[:300].rstrip(".")
