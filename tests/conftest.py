"""Services that tests of several folders use."""

from __future__ import annotations

from tests.searching import searched
from tests.services.postgresql import postgresql

__all__ = ["postgresql", "searched"]
