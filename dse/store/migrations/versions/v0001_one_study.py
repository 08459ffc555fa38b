"""A file with one study: what dse 0.1 wrote, with its version in `dse_meta`."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "dse_meta",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("schema_version", sa.Integer, nullable=False),
        sa.Column("dse_version", sa.String, nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dse_meta"),
    )
    op.create_table(
        "dse_studies",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("space_name", sa.String, nullable=False),
        sa.Column("space_hash", sa.String, nullable=False),
        sa.Column("space", sa.JSON, nullable=False),
        sa.Column("budget", sa.JSON, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("proxy", sa.JSON, nullable=False),
        sa.Column("design", sa.JSON, nullable=False),
        sa.Column("provenance", sa.JSON, nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dse_studies"),
        sa.UniqueConstraint("name", name="uq_dse_studies_name"),
    )
    op.create_table(
        "dse_candidates",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("study_id", sa.Integer, nullable=False),
        sa.Column("index", sa.Integer, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("architecture", sa.JSON, nullable=False),
        sa.Column("flops", sa.BigInteger, nullable=False),
        sa.Column("params", sa.BigInteger, nullable=False),
        sa.Column("activations", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dse_candidates"),
        sa.UniqueConstraint("study_id", "index", name="uq_dse_candidates_study_id_index"),
        sa.ForeignKeyConstraint(
            ["study_id"],
            ["dse_studies.id"],
            name="fk_dse_candidates_study_id",
            ondelete="CASCADE",
        ),
    )
    states = ("waiting", "running", "complete", "diverged", "out_of_memory", "failed")
    op.create_table(
        "dse_trials",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("candidate_id", sa.Integer, nullable=False),
        sa.Column("replicate", sa.Integer, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("reason", sa.String),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("crashes", sa.Integer, nullable=False),
        sa.Column("token", sa.String),
        sa.Column("worker", sa.String),
        sa.Column("error", sa.Double),
        sa.Column("train_loss", sa.Double),
        sa.Column("seconds", sa.Double),
        sa.Column("cpu_seconds", sa.Double),
        sa.Column("test_images", sa.Integer),
        sa.Column("classes", sa.Integer),
        sa.Column("device", sa.String),
        sa.Column("dtype", sa.String),
        sa.Column("versions", sa.JSON),
        sa.Column("started", sa.DateTime(timezone=True)),
        sa.Column("finished", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_dse_trials"),
        sa.UniqueConstraint(
            "candidate_id", "replicate", name="uq_dse_trials_candidate_id_replicate"
        ),
        sa.ForeignKeyConstraint(
            ["candidate_id"],
            ["dse_candidates.id"],
            name="fk_dse_trials_candidate_id",
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(f"state IN {states}", name="ck_dse_trials_state"),
        sa.CheckConstraint(
            "(state = 'complete') = (error IS NOT NULL)", name="ck_dse_trials_error"
        ),
        sa.CheckConstraint("(state = 'running') = (token IS NOT NULL)", name="ck_dse_trials_token"),
    )
    op.create_index("ix_dse_trials_state_replicate", "dse_trials", ["state", "replicate"])
    op.create_table(
        "dse_epochs",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("trial_id", sa.Integer, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("train_loss", sa.Double),
        sa.Column("error", sa.Double),
        sa.PrimaryKeyConstraint("id", name="pk_dse_epochs"),
        sa.UniqueConstraint("trial_id", "epoch", name="uq_dse_epochs_trial_id_epoch"),
        sa.ForeignKeyConstraint(
            ["trial_id"], ["dse_trials.id"], name="fk_dse_epochs_trial_id", ondelete="CASCADE"
        ),
    )
