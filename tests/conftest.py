"""Services that tests of several folders use."""

from __future__ import annotations

import signal

from hypothesis import settings

from tests.searching import searched
from tests.services.postgresql import postgresql

__all__ = ["postgresql", "searched"]


def pytest_configure() -> None:
    """What holds for all tests."""
    # tests of Ctrl-C need it, also where a shell in the background took it from all it starts
    signal.signal(signal.SIGINT, signal.default_int_handler)
    settings.register_profile("dse", deadline=None)  # machines differ in speed, a property does not
    settings.load_profile("dse")
