"""Being asked to end, by SIGTERM or Ctrl-C, told between two steps."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(Exception):  # noqa: N818  # nothing is wrong
    """A training that was asked to end and is kept; `signal` is what asked."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = number


class Asked:
    """Which signal has asked the process to end, 0 for none."""

    def __init__(self) -> None:
        self.signal = 0

    def hear(self, number: int, frame: FrameType | None) -> None:
        """Take a signal; a second Ctrl-C ends the process at once."""
        if self.signal == number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = number


@contextmanager
def listening() -> Iterator[Asked]:
    """Within this context SIGTERM and SIGINT are noted, and end nothing."""
    asked = Asked()
    before = {n: signal.signal(n, asked.hear) for n in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
