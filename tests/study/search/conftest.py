"""The databases that a search may be in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.services.postgresql import Server

DATABASES = ("sqlite", "postgresql")
MakePlace = Callable[[str], str]


@pytest.fixture
def make_place(request: pytest.FixtureRequest, tmp_path: Path) -> MakePlace:
    """Makes a place for a store in one of `DATABASES`."""

    def make(database: str) -> str:
        if database == "sqlite":
            return str(tmp_path / "study.db")
        server: Server = request.getfixturevalue("postgresql")
        return server.make_database()

    return make


@pytest.fixture(params=DATABASES)
def place(request: pytest.FixtureRequest, make_place: MakePlace) -> str:
    """A place for a store, in each kind of database."""
    return make_place(request.param)
