"""Studies that were measured elsewhere, whose networks' costs need not be known.

All that is done is to loosen constraints, which needs no change of what is stored. PostgreSQL has
statements for it. SQLite has none; its manual's way for this very case is to edit the text of the
table's definition (https://www.sqlite.org/lang_altertable.html, "Making Other Kinds Of Table Schema
Changes"), where moving every row into a new table would take as long as the store is large.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

OLD_KINDS = "kind IN ('survey', 'search', 'paired')"
NEW_KINDS = "kind IN ('survey', 'search', 'paired', 'imported')"
COSTS = ("flops", "params", "activations")


def upgrade() -> None:
    """Allow another kind of study, and costs that are not known."""
    if op.get_bind().dialect.name == "sqlite":
        _loosen_in_file()
        return
    op.drop_constraint("ck_dse_studies_kind", "dse_studies", type_="check")
    op.create_check_constraint("ck_dse_studies_kind", "dse_studies", NEW_KINDS)
    for cost in COSTS:
        op.alter_column("dse_candidates", cost, existing_type=sa.BigInteger, nullable=True)


def _loosen_in_file() -> None:
    connection = op.get_bind()
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    _edit(connection, "dse_studies", [(OLD_KINDS, NEW_KINDS)])
    _edit(connection, "dse_candidates", [(f"{c} BIGINT NOT NULL", f"{c} BIGINT") for c in COSTS])
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")
    assert connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one() == "ok"


def _edit(connection: sa.Connection, table: str, changes: list[tuple[str, str]]) -> None:
    mine = "type = 'table' AND name = ?"
    query = f"SELECT sql FROM sqlite_schema WHERE {mine}"
    definition = str(connection.exec_driver_sql(query, (table,)).scalar_one())
    for old, new in changes:
        assert definition.count(old) == 1, f"{table} is not as version 2 made it"
        definition = definition.replace(old, new)
    statement = f"UPDATE sqlite_schema SET sql = ? WHERE {mine}"
    connection.exec_driver_sql(statement, (definition, table))
