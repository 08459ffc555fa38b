"""Studies that record full trainings: one more kind, and nothing of what is stored changes.

As in version 3, SQLite's definition of the table is edited as text.
"""

from __future__ import annotations

from alembic import op

from dse.store.migrations.loosening import edited_in_file

revision = "0004"
down_revision = "0003"

OLD_KINDS = "kind IN ('survey', 'search', 'paired', 'imported')"
NEW_KINDS = "kind IN ('survey', 'search', 'paired', 'imported', 'training')"


def upgrade() -> None:
    """Allow another kind of study."""
    if op.get_bind().dialect.name == "sqlite":
        edited_in_file({"dse_studies": [(OLD_KINDS, NEW_KINDS)]})
        return
    op.drop_constraint("ck_dse_studies_kind", "dse_studies", type_="check")
    op.create_check_constraint("ck_dse_studies_kind", "dse_studies", NEW_KINDS)
