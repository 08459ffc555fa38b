"""Services that tests of several folders use."""

from __future__ import annotations

from tests.services.postgresql import postgresql

__all__ = ["postgresql"]
