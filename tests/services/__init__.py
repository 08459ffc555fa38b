"""What a test needs from the machine: skip without it, but fail where CI promises it."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

import pytest


def require(available: bool, what: str) -> None:
    """Skip the test where `what` is absent; fail instead where DSE_REQUIRE_SERVICES=1."""
    if available:
        return
    if os.environ.get("DSE_REQUIRE_SERVICES") == "1":
        pytest.fail(f"{what} is required here (DSE_REQUIRE_SERVICES=1) and absent")
    pytest.skip(f"{what} is absent")


def require_module(name: str) -> None:
    """`require` a Python package."""
    require(importlib.util.find_spec(name) is not None, f"the Python package {name}")


def free_port() -> int:
    """A TCP port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: Sequence[str], output: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs for the block and is told to end after it."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
