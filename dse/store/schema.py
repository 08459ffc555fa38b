"""The tables of a store. All names start with `dse_`: other tools may keep theirs beside them.

The tables in a database are made by `migrations/`, which a test compares with these models.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    TextClause,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from dse.store.plain import Json
from dse.store.records import KINDS, STATES

PREFIX: Final = "dse_"
WAITING: Final = text("state = 'waiting'")
RUNNING: Final = text("state = 'running'")
"""Written into the queries of the queue as they are, so that databases find the partial indexes."""


class Base(DeclarativeBase):
    """Own `MetaData`, so that creating or dropping these tables never touches anyone else's."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012  (SQLAlchemy reads it as a plain class attribute)
        dict[str, Any]: JSON(none_as_null=True),
        datetime: DateTime(timezone=True),
        float: Double(),
    }


class Space(Base):
    """A design space; the same one under any name is one row."""

    __tablename__ = "dse_spaces"

    id: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[str] = mapped_column(unique=True)
    definition: Mapped[Json]


class Study(Base):
    """What is asked."""

    __tablename__ = "dse_studies"
    __table_args__ = (CheckConstraint(f"kind IN {KINDS}", name="kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    space_id: Mapped[int] = mapped_column(ForeignKey(Space.id))
    space_name: Mapped[str]
    budget: Mapped[Json]
    seed: Mapped[int] = mapped_column(BigInteger)
    proxy: Mapped[Json]
    design: Mapped[Json]
    provenance: Mapped[Json]
    created: Mapped[datetime]


class Candidate(Base):
    """A network of a study, on paper; with a negative index, a reference."""

    __tablename__ = "dse_candidates"
    __table_args__ = (UniqueConstraint("study_id", "index"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey(Study.id, ondelete="CASCADE"))
    index: Mapped[int]
    hash: Mapped[str]
    architecture: Mapped[Json]
    flops: Mapped[int | None] = mapped_column(BigInteger)  # NULL only where it was measured
    params: Mapped[int | None] = mapped_column(BigInteger)  # elsewhere, and is not told
    activations: Mapped[int | None] = mapped_column(BigInteger)
    origin: Mapped[Json | None]


def _index(name: str, *columns: str, where: TextClause) -> Index:
    """An index of the few trials in one state, in the order that the queue wants them in."""
    return Index(f"ix_dse_trials_{name}", *columns, sqlite_where=where, postgresql_where=where)


class Trial(Base):
    """One training of a candidate under its study's proxy: the queue of work and its results.

    `token` names the newest claim; only its holder may finish the trial, and a finished one keeps
    it. `attempts` counts all claims, `crashes` those in which the worker died. A claim holds until
    `lease_until` on the database's own clock, see `dse.store.queue`. `reason` says why a trial is
    not complete, `last_reason` why it was last given back; `step`, `steps` and `loss` are what its
    worker last told. `run` is the run that started the worker, NULL for an independent one.
    """

    __tablename__ = "dse_trials"
    __table_args__ = (
        ForeignKeyConstraint(
            ["study_id", "index"],
            [Candidate.study_id, Candidate.index],
            ondelete="CASCADE",
        ),
        UniqueConstraint("study_id", "index", "replicate"),
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("(state = 'complete') = (error IS NOT NULL)", name="error"),
        CheckConstraint(
            "state <> 'running' OR (token IS NOT NULL AND worker IS NOT NULL "
            "AND lease_until IS NOT NULL AND lease_seconds IS NOT NULL)",
            name="running",
        ),
        CheckConstraint("state <> 'waiting' OR token IS NULL", name="waiting"),
        _index("waiting", "study_id", "replicate", "index", where=WAITING),
        _index("waiting_anywhere", "replicate", "index", where=WAITING),
        _index("running", "token", where=RUNNING),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int]
    index: Mapped[int]
    replicate: Mapped[int]
    seed: Mapped[int] = mapped_column(BigInteger)
    until_epoch: Mapped[int | None]
    state: Mapped[str]
    reason: Mapped[str | None]
    last_reason: Mapped[str | None]
    attempts: Mapped[int]
    crashes: Mapped[int]
    token: Mapped[str | None]
    worker: Mapped[str | None]
    run: Mapped[str | None]
    lease_until: Mapped[float | None]
    lease_seconds: Mapped[float | None]
    step: Mapped[int | None]
    steps: Mapped[int | None]
    loss: Mapped[float | None]
    error: Mapped[float | None]
    train_loss: Mapped[float | None]
    seconds: Mapped[float | None]
    cpu_seconds: Mapped[float | None]
    test_images: Mapped[int | None]
    classes: Mapped[int | None]
    device: Mapped[str | None]
    dtype: Mapped[str | None]
    learning_rate: Mapped[float | None]
    micro_batch: Mapped[int | None]
    versions: Mapped[Json | None]
    started: Mapped[datetime | None]
    finished: Mapped[datetime | None]


class Epoch(Base):
    """One point of a learning curve."""

    __tablename__ = "dse_epochs"
    __table_args__ = (UniqueConstraint("trial_id", "epoch"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    trial_id: Mapped[int] = mapped_column(ForeignKey(Trial.id, ondelete="CASCADE"))
    epoch: Mapped[int]
    step: Mapped[int]
    train_loss: Mapped[float | None]  # NULL is NaN
    error: Mapped[float | None]
    grad_norm: Mapped[float | None]


class Measurement(Base):
    """One number measured on a candidate, and the conditions that it holds under."""

    __tablename__ = "dse_measurements"
    __table_args__ = (
        UniqueConstraint(
            "candidate_id",
            "name",
            "device",
            "dtype",
            "batch",
            "layout",
            "resolution",
            name="uq_dse_measurements_key",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    candidate_id: Mapped[int] = mapped_column(ForeignKey(Candidate.id, ondelete="CASCADE"))
    name: Mapped[str]
    value: Mapped[float]
    low: Mapped[float | None]
    high: Mapped[float | None]
    n: Mapped[int]
    unit: Mapped[str]
    device: Mapped[str]
    dtype: Mapped[str]
    batch: Mapped[int]
    layout: Mapped[str]
    resolution: Mapped[int]
    versions: Mapped[Json | None]
    measured: Mapped[datetime]
