"""Is this file a store that can be used? Looks without leaving a trace."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlencode

from dse.errors import UserError
from dse.store.engine import BUSY_SECONDS, damaged, explain, file_uri, trackless
from dse.store.schema import SCHEMA_VERSION, Base


def is_fresh(path: Path) -> bool:
    """Whether there is no database yet: no file, an empty one, or one without any table.

    Raises `UserError` if the file is anything but a store of this schema version. Only looks: a
    file that is refused is left as it was, with no `-wal` or `-shm` file beside it.
    """
    try:
        if path.is_dir():
            raise UserError(f"{path}: is a folder, a store is a file.")
        if path.stat().st_size == 0:
            return True
    except FileNotFoundError:
        return True
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from error
    if not os.access(path, os.R_OK):
        raise UserError(f"{path}: cannot be read: give read permission.")
    # Only SQLite may open the file: when a process closes any descriptor of a file, POSIX drops
    # all its locks on it, and another process could then take the `-wal` file away under it.
    with _plain(path), closing(_peek(path)) as connection:
        tables = {
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        if not tables:
            return True
        if "dse_meta" not in tables:
            raise UserError(f"{path}: is a database of another program: choose another --store.")
        row = connection.execute("SELECT schema_version, dse_version FROM dse_meta").fetchone()
        _check_version(path, *(row or (None, None)))
        _check_columns(path, connection)
    return False


def check_pages(path: Path) -> None:
    """Raise `UserError` unless every page of the store is sound (SQLite's `quick_check`)."""
    with _plain(path), closing(_peek(path)) as connection:
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != ("ok",):
        raise UserError(damaged(path))


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


def _check_version(path: Path, schema: object, written_by: object) -> None:
    if schema == SCHEMA_VERSION:
        return
    newer = isinstance(schema, int) and schema > SCHEMA_VERSION
    advice = "upgrade dse" if newer else "use the version that wrote it"
    raise UserError(
        f"{path}: was written by dse {written_by} with schema version {schema}, this dse reads "
        f"version {SCHEMA_VERSION}: {advice}, or choose another --store."
    )


def _check_columns(path: Path, connection: sqlite3.Connection) -> None:
    for table in Base.metadata.sorted_tables:
        rows = connection.execute("SELECT name FROM pragma_table_info(?)", (table.name,))
        there = {name for (name,) in rows}
        for column in table.columns:
            if column.name not in there:
                raise UserError(damaged(path, f"it lacks {table.name}.{column.name}"))


def _peek(path: Path) -> sqlite3.Connection:
    """A connection that reads and leaves no trace."""
    uri = f"{file_uri(path)}?{urlencode(trackless(path))}"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS)


@contextmanager
def _plain(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise UserError(explain(error, path) or f"{path}: is no store ({error}).") from error
