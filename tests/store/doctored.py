"""A store's rows changed by hand, as time, another clock or another program would."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from dse.store.store import Store


def execute(store: Store, statement: str, **values: Any) -> None:
    store._write(lambda connection: connection.execute(text(statement), values))


def query(store: Store, statement: str) -> list[dict[str, Any]]:
    rows = store._read(lambda connection: connection.execute(text(statement)).mappings().all())
    return [dict(row) for row in rows]


def pass_time(store: Store, seconds: float) -> None:
    """All leases were made so long ago; with negative seconds, on a clock that far ahead."""
    moved = "UPDATE dse_trials SET lease_until = lease_until - :seconds WHERE state = 'running'"
    execute(store, moved, seconds=seconds)
