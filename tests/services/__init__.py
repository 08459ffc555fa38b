"""What a test needs from the machine: skip without it, but fail where CI promises it."""

from __future__ import annotations

import os

import pytest


def require(available: bool, what: str) -> None:
    """Skip the test where `what` is absent; fail instead where DSE_REQUIRE_SERVICES=1."""
    if available:
        return
    if os.environ.get("DSE_REQUIRE_SERVICES") == "1":
        pytest.fail(f"{what} is required here (DSE_REQUIRE_SERVICES=1) and absent")
    pytest.skip(f"{what} is absent")
