"""What databases differ in, each in one file behind one protocol."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, Final, Protocol

from sqlalchemy import ColumnElement, Connection, Engine, inspect

from dse.errors import UserError
from dse.store.target import Target

SCHEMA_VERSION: Final = 4
"""The newest revision of `dse.store.migrations`."""
VERSION_TABLE: Final = "dse_alembic_version"


class Backend(Protocol):
    """A kind of database."""

    target: Target
    one_run: bool
    """Whether only one run at a time can work on a store (`store_lock`)."""

    def version(self) -> int | None:
        """The store's schema version, None where there is none yet. Looks without a trace.

        Raises:
            UserError: the database cannot be reached, or is not a store's.
        """
        ...

    def connect(self, *, create: bool = False, read_only: bool = False) -> Engine:
        """An engine for reading, or for reading and writing.

        `create` may make the place for a new store, and looks through one that exists.

        Raises:
            UserError: there is no right to do so, or the store is damaged.
        """
        ...

    def begin_alone(self, connection: Connection) -> None:
        """Called first in a transaction that no other one of its kind may overlap."""
        ...

    def clock(self) -> ColumnElement[float]:
        """Seconds on a clock that all of the store's workers share, and nobody sets."""
        ...

    def now(self) -> ColumnElement[datetime]:
        """The date and time, for people."""
        ...

    def explain(self, error: BaseException) -> str | None:
        """What a person can do about a driver's error; None if it is a mistake of this program."""
        ...

    def is_lost(self, error: BaseException) -> bool:
        """Whether the same transaction may succeed later, with a new connection."""
        ...

    def back_up(self, connection: Connection, version: int) -> str:
        """Keep the store as it is before an upgrade, which follows; where, in words."""
        ...

    def discard(self) -> None:
        """Remove what a failed creation left behind."""
        ...


def find_version(target: Target, tables: Collection[str], ask: Callable[[str], Any]) -> int | None:
    """The schema version of a database with these tables; None if it has none of a store's.

    `ask` gives the first value of a query, None where there is no row. Raises `UserError` if no
    released version of dse wrote it.
    """
    if VERSION_TABLE in tables:
        revision = ask(f"SELECT version_num FROM {VERSION_TABLE}")
        if not str(revision).isdigit():
            raise UserError(f"{target}: is no store (its schema version is {revision!r}).")
        return int(revision)
    if "dse_meta" not in tables:
        return None
    version = ask("SELECT schema_version FROM dse_meta")
    if version != 1:
        raise UserError(
            f"{target}: was written by an unreleased dse (schema version {version}): "
            "use the version that wrote it, or choose another --store."
        )
    return 1


def version_in(target: Target, connection: Connection) -> int | None:
    """The schema version that a connection sees; raises `UserError` as `find_version` does."""
    tables = inspect(connection).get_table_names()
    return find_version(target, tables, lambda q: connection.exec_driver_sql(q).scalar())


def damaged(target: Target, what: str = "") -> str:
    """The sentence about a store that cannot be trusted."""
    because = f" ({what})" if what else ""
    return f"{target}: the store is damaged{because}: move it away, or choose another --store."
