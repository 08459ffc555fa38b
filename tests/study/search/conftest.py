"""The databases that a search may be in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.services.postgresql import Server


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place for a store, in each kind of database."""
    if request.param == "sqlite":
        return str(tmp_path / "study.db")
    server: Server = request.getfixturevalue("postgresql")
    return server.make_database()
