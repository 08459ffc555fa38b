"""Being asked to stop, by a person or by a scheduler that needs the machine."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
"""What a person sends, and schedulers before they take a machine away."""


class StoppedError(Exception):
    """The worker is to stop; its training is given back."""


class Stop:
    """Remembers the signal that asks this process to stop; it must be made in the main thread."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self._asked = threading.Event()
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # a parent may keep Ctrl-C to itself
                signal.signal(number, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self.asked:
            raise KeyboardInterrupt  # somebody is in a hurry
        self.reason = signal.Signals(number).name
        self._asked.set()

    @property
    def asked(self) -> bool:
        """Whether to stop."""
        return self.reason is not None

    def require_none(self) -> None:
        """Raise `StoppedError` if this process is to stop."""
        if self.asked:
            raise StoppedError(self.reason)

    def wait(self, seconds: float) -> bool:
        """Sleep, but no longer than until asked to stop; whether that is so."""
        return self._asked.wait(seconds)
