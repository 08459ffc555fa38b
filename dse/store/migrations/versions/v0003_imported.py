"""Studies that were measured elsewhere, whose networks' costs need not be known.

All that is done is to loosen constraints, which needs no change of what is stored. PostgreSQL has
statements for it, SQLite's way is in `dse.store.migrations.loosening`.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dse.store.migrations.loosening import edited_in_file

revision = "0003"
down_revision = "0002"

OLD_KINDS = "kind IN ('survey', 'search', 'paired')"
NEW_KINDS = "kind IN ('survey', 'search', 'paired', 'imported')"
COSTS = ("flops", "params", "activations")


def upgrade() -> None:
    """Allow another kind of study, and costs that are not known."""
    if op.get_bind().dialect.name == "sqlite":
        costs = [(f"{cost} BIGINT NOT NULL", f"{cost} BIGINT") for cost in COSTS]
        edited_in_file({"dse_studies": [(OLD_KINDS, NEW_KINDS)], "dse_candidates": costs})
        return
    op.drop_constraint("ck_dse_studies_kind", "dse_studies", type_="check")
    op.create_check_constraint("ck_dse_studies_kind", "dse_studies", NEW_KINDS)
    for cost in COSTS:
        op.alter_column("dse_candidates", cost, existing_type=sa.BigInteger, nullable=True)
