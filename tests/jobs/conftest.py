"""The places of stores, in each kind of database."""

from __future__ import annotations

from tests.store.conftest import place, template

__all__ = ["place", "template"]
