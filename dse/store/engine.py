"""Connections to a store, and what can be wrong with one, each in one plain sentence.

SQLite settings. WAL: reports read while workers write. `synchronous=FULL`: a finished training is
on the disk when its worker goes on, even if the power fails; one `fsync` costs milliseconds, a
training many seconds. Python's sqlite3 leaves out BEGIN before reads, so SQLAlchemy sends it:
plain for reading, BEGIN IMMEDIATE for writing, as a transaction that reads first and writes later
would otherwise fail where another writer came in between.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from json import JSONDecodeError
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, insert, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

import dse
from dse.errors import UserError
from dse.store.records import DamagedError
from dse.store.schema import SCHEMA_VERSION, Base, Meta, now

BUSY_SECONDS: Final = 60.0
TAKEN: Final = (".html", ".best", ".checkpoints", ".yaml", ".yml")
"""What lies beside a store under its name, or is read from it: no store may be called so."""


def store_path(target: str | os.PathLike[str]) -> Path:
    """The file that a path or an `sqlite:///` URL names.

    Raises `UserError` for another URL, and for a name that no store may have.
    """
    text = os.fspath(target)
    path = Path(_database(text) if "://" in text else text)
    if path.name in ("", ".."):
        raise UserError(f"{text!r}: is a folder, a store is a file.")
    if path.suffix.lower() in TAKEN:
        raise UserError(
            f"{text}: a store's name may not end in {path.suffix}, as other files do: "
            "name it .db, for example."
        )
    return path


def _database(text: str) -> str:
    try:
        url = make_url(text)
    except ArgumentError:
        url = None
    if url is None or url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        raise UserError(f"{text}: a store is a file: give a path or sqlite:///PATH.")
    return url.database


def connect(path: Path, *, read_only: bool = False) -> Engine:
    """An engine whose database errors come out as `UserError`.

    `read_only` leaves no trace beside the file, see `trackless`.
    """
    query = {**trackless(path), "uri": "true"} if read_only else {}
    engine = create_engine(
        URL.create("sqlite", database=file_uri(path) if read_only else str(path), query=query),
        connect_args={"timeout": BUSY_SECONDS},
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None
        if not read_only:
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("dse_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    @event.listens_for(engine, "handle_error")
    def translate(context: ExceptionContext) -> UserError | None:
        error = context.original_exception
        sentence = explain(error, path) if isinstance(error, sqlite3.DatabaseError) else None
        return UserError(sentence) if sentence else None

    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that excludes all other writers from its beginning."""
    with engine.execution_options(dse_writes=True).begin() as connection:
        yield connection


def create(path: Path) -> Engine:
    """Make a store, in one transaction; if that fails, no file is left behind."""
    existed = path.exists()
    engine = connect(path)
    try:
        with writing(engine) as connection:
            Base.metadata.create_all(connection)
            if connection.scalar(select(Meta.id)) is None:
                meta = {
                    "schema_version": SCHEMA_VERSION,
                    "dse_version": dse.__version__,
                    "created": now(),
                }
                connection.execute(insert(Meta).values(meta))
    except BaseException:
        engine.dispose()
        if not existed:
            for suffix in ("", "-wal", "-shm", "-journal"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
        raise
    return engine


def explain(error: sqlite3.DatabaseError, path: Path) -> str | None:
    """What a person can do about a database error; None if it is a mistake of this program."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the kind of error
    if code == sqlite3.SQLITE_FULL:
        return (
            f"{path}: the disk is full: free some space and run the same command again, "
            "what was finished is kept."
        )
    if code == sqlite3.SQLITE_NOTADB:
        return (
            f"{path}: is no SQLite database, or a damaged one: move it away, or choose another "
            "--store."
        )
    if code == sqlite3.SQLITE_CORRUPT:
        return damaged(path)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"{path}: another program has locked the store for {BUSY_SECONDS:g} s: close it."
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return (
            f"{path}: cannot be opened for writing: give write permission for the file and its "
            "folder, or choose another --store."
        )
    if code == sqlite3.SQLITE_IOERR:
        return f"{path}: the disk is full or failing ({error}): free some space and try again."
    return None


@contextmanager
def sound(path: Path) -> Iterator[None]:
    """Within this context, values that nothing here can have written come out as `UserError`."""
    try:
        yield
    except (DamagedError, JSONDecodeError) as error:
        raise UserError(damaged(path, str(error))) from error


def damaged(path: Path, what: str = "") -> str:
    """The sentence about a store that cannot be trusted."""
    because = f" ({what})" if what else ""
    return f"{path}: the file is damaged{because}: move it away, or choose another --store."


def trackless(path: Path) -> dict[str, str]:
    """SQLite's options for reading without creating anything.

    Opening a WAL database creates its `-wal` and `-shm` files unless it is declared immutable,
    which it is while it has no `-wal` file: then nobody has it open for writing.
    """
    if path.with_name(f"{path.name}-wal").exists():
        return {"mode": "ro"}
    return {"mode": "ro", "immutable": "1"}


def file_uri(path: Path) -> str:
    """The file as SQLite's options take it."""
    return f"file:{quote(str(path))}"
