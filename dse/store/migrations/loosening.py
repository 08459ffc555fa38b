"""Constraints loosened in an SQLite file, which has no statement for it.

Its manual's way for this very case is to edit the text of the table's definition
(https://www.sqlite.org/lang_altertable.html, "Making Other Kinds Of Table Schema Changes"), where
moving every row into a new table would take as long as the store is large.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from alembic import op


def edited_in_file(tables: Mapping[str, Sequence[tuple[str, str]]]) -> None:
    """Replace texts in the definitions of tables, each of which is there once."""
    connection = op.get_bind()
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    for table, changes in tables.items():
        _edit(connection, table, changes)
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")
    assert connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one() == "ok"


def _edit(connection: sa.Connection, table: str, changes: Sequence[tuple[str, str]]) -> None:
    mine = "type = 'table' AND name = ?"
    query = f"SELECT sql FROM sqlite_schema WHERE {mine}"
    definition = str(connection.exec_driver_sql(query, (table,)).scalar_one())
    for old, new in changes:
        assert definition.count(old) == 1, f"{table} is not as the version before made it"
        definition = definition.replace(old, new)
    statement = f"UPDATE sqlite_schema SET sql = ? WHERE {mine}"
    connection.exec_driver_sql(statement, (definition, table))
