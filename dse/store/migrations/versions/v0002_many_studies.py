"""Many studies in one database, leases, measurements, and views for people.

The old tables are copied aside, without their constraints, and filled into the new ones: SQLite
cannot change a constraint of a table. Alembic's own table takes the place of `dse_meta`.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dse.store.migrations.views_0002 import VIEWS

revision = "0002"
down_revision = "0001"

OLD = ("dse_epochs", "dse_trials", "dse_candidates", "dse_studies", "dse_meta")


def upgrade() -> None:
    """Move everything into the new tables."""
    for table in OLD:  # children first: dropping a parent would take its rows' children along
        op.execute(f"CREATE TABLE old_{table} AS SELECT * FROM {table}")
        op.drop_table(table)
    _make_studies()
    _make_trials()
    _make_measurements()
    _move_studies()
    _move_rows()
    for table in OLD:
        op.drop_table(f"old_{table}")
    for name, query in VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")


def _make_studies() -> None:
    op.create_table(
        "dse_spaces",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("definition", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dse_spaces"),
        sa.UniqueConstraint("hash", name="uq_dse_spaces_hash"),
    )
    op.create_table(
        "dse_studies",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("space_id", sa.Integer, nullable=False),
        sa.Column("space_name", sa.String, nullable=False),
        sa.Column("budget", sa.JSON, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("proxy", sa.JSON, nullable=False),
        sa.Column("design", sa.JSON, nullable=False),
        sa.Column("provenance", sa.JSON, nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dse_studies"),
        sa.UniqueConstraint("name", name="uq_dse_studies_name"),
        sa.ForeignKeyConstraint(["space_id"], ["dse_spaces.id"], name="fk_dse_studies_space_id"),
        sa.CheckConstraint("kind IN ('survey', 'search', 'paired')", name="ck_dse_studies_kind"),
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
        sa.Column("origin", sa.JSON),
        sa.PrimaryKeyConstraint("id", name="pk_dse_candidates"),
        sa.UniqueConstraint("study_id", "index", name="uq_dse_candidates_study_id_index"),
        sa.ForeignKeyConstraint(
            ["study_id"],
            ["dse_studies.id"],
            name="fk_dse_candidates_study_id",
            ondelete="CASCADE",
        ),
    )


def _make_trials() -> None:
    states = ("waiting", "running", "complete", "stopped", "diverged", "out_of_memory", "failed")
    op.create_table(
        "dse_trials",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("study_id", sa.Integer, nullable=False),
        sa.Column("index", sa.Integer, nullable=False),
        sa.Column("replicate", sa.Integer, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("until_epoch", sa.Integer),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("reason", sa.String),
        sa.Column("last_reason", sa.String),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("crashes", sa.Integer, nullable=False),
        sa.Column("token", sa.String),
        sa.Column("worker", sa.String),
        sa.Column("run", sa.String),
        sa.Column("lease_until", sa.Double),
        sa.Column("lease_seconds", sa.Double),
        sa.Column("step", sa.Integer),
        sa.Column("steps", sa.Integer),
        sa.Column("loss", sa.Double),
        sa.Column("error", sa.Double),
        sa.Column("train_loss", sa.Double),
        sa.Column("seconds", sa.Double),
        sa.Column("cpu_seconds", sa.Double),
        sa.Column("test_images", sa.Integer),
        sa.Column("classes", sa.Integer),
        sa.Column("device", sa.String),
        sa.Column("dtype", sa.String),
        sa.Column("learning_rate", sa.Double),
        sa.Column("micro_batch", sa.Integer),
        sa.Column("versions", sa.JSON),
        sa.Column("started", sa.DateTime(timezone=True)),
        sa.Column("finished", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_dse_trials"),
        sa.UniqueConstraint(
            "study_id", "index", "replicate", name="uq_dse_trials_study_id_index_replicate"
        ),
        sa.ForeignKeyConstraint(
            ["study_id", "index"],
            ["dse_candidates.study_id", "dse_candidates.index"],
            name="fk_dse_trials_study_id_index",
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(f"state IN {states}", name="ck_dse_trials_state"),
        sa.CheckConstraint(
            "(state = 'complete') = (error IS NOT NULL)", name="ck_dse_trials_error"
        ),
        sa.CheckConstraint(
            "state <> 'running' OR (token IS NOT NULL AND worker IS NOT NULL "
            "AND lease_until IS NOT NULL AND lease_seconds IS NOT NULL)",
            name="ck_dse_trials_running",
        ),
        sa.CheckConstraint("state <> 'waiting' OR token IS NULL", name="ck_dse_trials_waiting"),
    )
    for name, state, columns in (
        ("waiting", "waiting", ["study_id", "replicate", "index"]),
        ("waiting_anywhere", "waiting", ["replicate", "index"]),
        ("running", "running", ["token"]),
    ):
        where = sa.text(f"state = '{state}'")
        op.create_index(
            f"ix_dse_trials_{name}",
            "dse_trials",
            columns,
            sqlite_where=where,
            postgresql_where=where,
        )
    op.create_table(
        "dse_epochs",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("trial_id", sa.Integer, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("train_loss", sa.Double),
        sa.Column("error", sa.Double),
        sa.Column("grad_norm", sa.Double),
        sa.PrimaryKeyConstraint("id", name="pk_dse_epochs"),
        sa.UniqueConstraint("trial_id", "epoch", name="uq_dse_epochs_trial_id_epoch"),
        sa.ForeignKeyConstraint(
            ["trial_id"], ["dse_trials.id"], name="fk_dse_epochs_trial_id", ondelete="CASCADE"
        ),
    )


def _make_measurements() -> None:
    op.create_table(
        "dse_measurements",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("candidate_id", sa.Integer, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("low", sa.Double),
        sa.Column("high", sa.Double),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("unit", sa.String, nullable=False),
        sa.Column("device", sa.String, nullable=False),
        sa.Column("dtype", sa.String, nullable=False),
        sa.Column("batch", sa.Integer, nullable=False),
        sa.Column("layout", sa.String, nullable=False),
        sa.Column("resolution", sa.Integer, nullable=False),
        sa.Column("versions", sa.JSON),
        sa.Column("measured", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dse_measurements"),
        sa.UniqueConstraint(
            "candidate_id",
            "name",
            "device",
            "dtype",
            "batch",
            "layout",
            "resolution",
            name="uq_dse_measurements_key",
        ),
        sa.ForeignKeyConstraint(
            ["candidate_id"],
            ["dse_candidates.id"],
            name="fk_dse_measurements_candidate_id",
            ondelete="CASCADE",
        ),
    )


def _move_studies() -> None:
    """Spaces get rows of their own, and a study's kind a column."""
    connection = op.get_bind()
    old, studies, spaces = (
        sa.table(
            name,
            *map(sa.column, plain),
            *(sa.column(value, sa.JSON) for value in values),
            sa.column("created", sa.DateTime(timezone=True)),
        )
        for name, plain, values in (
            (
                "old_dse_studies",
                ("id", "name", "space_name", "space_hash", "seed"),
                ("space", "budget", "proxy", "design", "provenance"),
            ),
            (
                "dse_studies",
                ("id", "name", "kind", "space_id", "space_name", "seed"),
                ("budget", "proxy", "design", "provenance"),
            ),
            ("dse_spaces", ("id", "hash"), ("definition",)),
        )
    )
    space_ids: dict[str, int] = {}
    for row in connection.execute(sa.select(old).order_by(old.c.id)).mappings().all():
        study = dict(row)
        hash_, definition = study.pop("space_hash"), study.pop("space")
        if hash_ not in space_ids:
            space_ids[hash_] = len(space_ids) + 1
            added = {"id": space_ids[hash_], "hash": hash_, "definition": definition}
            connection.execute(spaces.insert().values(added))
        design = dict(study.pop("design"))
        kind = design.pop("kind", "survey")
        new = {"kind": kind, "design": design, "space_id": space_ids[hash_]}
        connection.execute(studies.insert().values(study | new))


def _move_rows() -> None:
    """Networks, trainings and curves keep their ids; what was running waits again."""
    op.execute(
        'INSERT INTO dse_candidates (id, study_id, "index", hash, architecture, flops, params, '
        "activations) "
        'SELECT id, study_id, "index", hash, architecture, flops, params, activations '
        "FROM old_dse_candidates"
    )
    same = (
        "replicate, seed, attempts, crashes, worker, error, train_loss, seconds, cpu_seconds, "
        "test_images, classes, device, dtype, versions, started, finished"
    )
    op.execute(
        f'INSERT INTO dse_trials (id, study_id, "index", state, reason, {same}) '
        'SELECT t.id, c.study_id, c."index", '
        "CASE WHEN t.state = 'running' THEN 'waiting' ELSE t.state END, "
        "CASE WHEN t.state = 'running' THEN 'the store was upgraded' ELSE t.reason END, "
        + ", ".join(f"t.{name}" for name in same.split(", "))
        + " FROM old_dse_trials t JOIN old_dse_candidates c ON c.id = t.candidate_id"
    )
    op.execute(
        "INSERT INTO dse_epochs (id, trial_id, epoch, step, train_loss, error) "
        "SELECT id, trial_id, epoch, step, train_loss, error FROM old_dse_epochs"
    )
    if op.get_bind().dialect.name == "postgresql":  # where rows with given ids do not count on
        for table in ("dse_spaces", "dse_studies", "dse_candidates", "dse_trials", "dse_epochs"):
            op.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table} "
                "HAVING max(id) IS NOT NULL"
            )
