"""Is this file a store that can be used? Looks without leaving a trace."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote, urlencode

from dse.errors import UserError
from dse.store.engines.base import SCHEMA_VERSION, damaged, find_version
from dse.store.schema import Base
from dse.store.target import Target

PEEK_SECONDS: Final = 60.0


def look(target: Target, path: Path) -> int | None:
    """The schema version of a store; None if there is no file, or one without any table.

    Raises `UserError` if the file is anything but a store, or lacks a column. Only looks: a file
    that is refused is left as it was, with no `-wal` or `-shm` file beside it.
    """
    try:
        if path.is_dir():
            raise UserError(f"{path}: is a folder, a store is a file.")
        if path.stat().st_size == 0:
            return None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from error
    if not os.access(path, os.R_OK):
        raise UserError(f"{path}: cannot be read: give read permission.")
    # Only SQLite may open the file: when a process closes any descriptor of a file, POSIX drops
    # all its locks on it, and another process could then take the `-wal` file away under it.
    with closing(open_to_read(path, timeout=PEEK_SECONDS)) as connection:

        def ask(query: str) -> Any:
            row = connection.execute(query).fetchone()
            return None if row is None else row[0]

        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        tables = {name for (name,) in names}
        version = find_version(target, tables, ask)
        if tables and version is None:
            raise UserError(f"{path}: is a database of another program: choose another --store.")
        if version == SCHEMA_VERSION:
            _check_columns(target, connection)
        return version


def check_pages(target: Target, path: Path) -> None:
    """Raise `UserError` unless every page of the store is sound (SQLite's `quick_check`)."""
    if path.stat().st_size == 0:
        return
    with closing(open_to_read(path, timeout=PEEK_SECONDS)) as connection:
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != ("ok",):
        raise UserError(damaged(target))


def is_writable(path: Path) -> bool:
    """Whether SQLite can write the file (if it exists) and its companions beside it."""
    return os.access(path.parent, os.W_OK | os.X_OK) and (
        not path.exists() or os.access(path, os.W_OK)
    )


def require_writable(path: Path, *, create: bool) -> None:
    """Raise `UserError` unless the store can be written; `create` makes a missing folder."""
    try:
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"{path}: the folder {path.parent} cannot be created ({error.strerror}): "
            "choose another --store."
        ) from error
    if not is_writable(path):
        what = path.parent if os.access(path, os.W_OK) or not path.exists() else path
        raise UserError(
            f"{path}: {what} is read-only: give write permission, or choose another --store."
        )


def open_to_read(
    path: Path, *, timeout: float, isolation_level: Literal["DEFERRED"] | None = "DEFERRED"
) -> sqlite3.Connection:
    """A connection that cannot write and creates nothing; for one short transaction.

    Opening a WAL database creates its `-wal` and `-shm` files unless it is declared immutable,
    which it is while it has no `-wal` file: then nobody has it open for writing.
    """
    still = not path.with_name(f"{path.name}-wal").exists()
    how = {"mode": "ro", "immutable": "1"} if still else {"mode": "ro"}
    return sqlite3.connect(
        f"file:{quote(str(path))}?{urlencode(how)}",
        uri=True,
        timeout=timeout,
        isolation_level=isolation_level,
    )


def _check_columns(target: Target, connection: sqlite3.Connection) -> None:
    for table in Base.metadata.sorted_tables:
        rows = connection.execute("SELECT name FROM pragma_table_info(?)", (table.name,))
        there = {name for (name,) in rows}
        for column in table.columns:
            if column.name not in there:
                raise UserError(damaged(target, f"it lacks {table.name}.{column.name}"))
