"""Bringing a database to the newest schema with Alembic, from nothing or from an older one."""

from __future__ import annotations

from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from dse.store.engines.base import SCHEMA_VERSION, VERSION_TABLE, Backend, version_in


def upgrade(connection: Connection, backend: Backend) -> str | None:
    """Run the missing migrations within a transaction that no other writer overlaps.

    Returns:
        What was done to an older store, in words; None if there was nothing, or no store yet.
    """
    version = version_in(backend.target, connection)
    if version is None:
        migrate(connection)
        return None
    if version >= SCHEMA_VERSION:  # another process was faster
        return None
    place = backend.back_up(connection, version)
    migrate(connection, since=version)
    return f"upgraded from schema version {version} to {SCHEMA_VERSION}; a backup is {place}"


def migrate(connection: Connection, *, since: int = 0, until: int = SCHEMA_VERSION) -> None:
    """Run the migrations after version `since`, up to version `until`.

    The version is Alembic's revision, in a table of its own name: other programs in the same
    database, as Optuna, have theirs. There is no alembic.ini and no env.py: only this runs them.
    """
    scripts = ScriptDirectory(str(Path(__file__).with_name("migrations")))
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    first = revision(since) if since else "base"
    steps = list(scripts.iterate_revisions(revision(until), first))
    with Operations.context(context):
        for step in reversed(steps):
            step.module.upgrade()
    context.stamp(scripts, revision(until))


def revision(version: int) -> str:
    """Alembic's name of a schema version."""
    return f"{version:04}"
