"""The tables of a store. All names start with `dse_`: other tools may keep theirs beside them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    MetaData,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from dse.store.records import STATES, Json

SCHEMA_VERSION: Final = 2
"""Counts up whenever a table changes; a store says with which version it was written."""


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
    }


class Meta(Base):
    """One row: what wrote this store."""

    __tablename__ = "dse_meta"

    id: Mapped[int] = mapped_column(primary_key=True)
    schema_version: Mapped[int]
    dse_version: Mapped[str]
    created: Mapped[datetime]


class Study(Base):
    """What is asked."""

    __tablename__ = "dse_studies"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    space_name: Mapped[str]
    space_hash: Mapped[str]
    space: Mapped[Json]
    budget: Mapped[Json]
    seed: Mapped[int] = mapped_column(BigInteger)
    proxy: Mapped[Json]
    design: Mapped[Json]
    provenance: Mapped[Json]
    created: Mapped[datetime]


class Candidate(Base):
    """A network of a study, on paper."""

    __tablename__ = "dse_candidates"
    __table_args__ = (UniqueConstraint("study_id", "index"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey(Study.id, ondelete="CASCADE"))
    index: Mapped[int]
    hash: Mapped[str]
    architecture: Mapped[Json]
    flops: Mapped[int] = mapped_column(BigInteger)
    params: Mapped[int] = mapped_column(BigInteger)
    activations: Mapped[int] = mapped_column(BigInteger)


class Trial(Base):
    """One training of a candidate from one seed: the queue of work and its results.

    `token` names the newest claim; only its holder may finish the trial. `attempts` counts all
    claims, `crashes` those in which the worker died while the run that watched it lived on.
    """

    __tablename__ = "dse_trials"
    __table_args__ = (
        UniqueConstraint("candidate_id", "replicate"),
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("(state = 'complete') = (error IS NOT NULL)", name="error"),
        CheckConstraint("(state = 'running') = (token IS NOT NULL)", name="token"),
        Index(None, "state", "replicate"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    candidate_id: Mapped[int] = mapped_column(ForeignKey(Candidate.id, ondelete="CASCADE"))
    replicate: Mapped[int]
    seed: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str]
    reason: Mapped[str | None]
    attempts: Mapped[int]
    crashes: Mapped[int]
    token: Mapped[str | None]
    worker: Mapped[str | None]
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
    train_loss: Mapped[float | None]  # SQLite keeps NaN as NULL
    error: Mapped[float | None]
    grad_norm: Mapped[float | None]


def now() -> datetime:
    """The time as the store keeps it: UTC."""
    return datetime.now(UTC)
