"""How workers end, what that means, and when to give up."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from dse.errors import UserError

EXIT_REPLACE: Final = 75
"""EX_TEMPFAIL: "start another one in my place", as after a device was lost to this process."""
MAX_ERRORS: Final = 3
"""So many workers in a row may end by an error of theirs (exit code 1 or 2) in vain."""
MAX_IN_VAIN: Final = 6
"""And so many, for each worker of the order, by anything else, such as a kill: more than a trial's
attempts, so that a network that kills its workers is given up before the study is."""


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a worker ended.

    Attributes:
        code: its exit code, -N if signal N killed it; None if it was lost with its machine.
        words: the last line that it printed.
    """

    code: int | None
    words: str = ""


@dataclass(frozen=True, kw_only=True)
class Departure:
    """A worker that has ended without being asked by its launcher.

    Attributes:
        seconds: how long it was known to the launcher, waiting for a machine included.
    """

    name: str
    ending: Ending
    seconds: float

    @property
    def in_peace(self) -> bool:
        """Whether nothing waited for it, or it was preempted and gave its trial back."""
        return self.ending.code == 0

    @property
    def is_error(self) -> bool:
        """Whether it could not work, which the next one may not either."""
        return self.ending.code in (1, 2)

    @property
    def reason(self) -> str:
        """Why it ended, for people and for the store."""
        code, words = self.ending.code, self.ending.words
        if code is None:
            said = "the worker was lost with its machine"
        elif code == -signal.SIGKILL:
            said = "the worker process was killed (SIGKILL; out of memory, perhaps)"
        elif code < 0:
            said = f"the worker process died of {_signal_name(-code)}"
        else:
            said = f"the worker process ended with exit code {code}"
        return f"{said}: {words}" if words else said


@dataclass
class Patience:
    """Sees when workers end in vain, one after the other, while nothing gets done."""

    workers: int
    _left: int = sys.maxsize
    _failed: list[Departure] = field(default_factory=list)

    def judge(self, departures: Iterable[Departure], left: int) -> None:
        """Take note of who has ended while `left` trials are unfinished.

        Raises:
            UserError: `MAX_ERRORS` errors, or `MAX_IN_VAIN` failures for each worker, came since
                a trial was last finished.
        """
        if left < self._left:
            self._failed.clear()
        self._left = left
        self._failed += (departure for departure in departures if not departure.in_peace)
        errors = sum(departure.is_error for departure in self._failed)
        if errors >= MAX_ERRORS or len(self._failed) >= MAX_IN_VAIN * self.workers:
            raise UserError(
                f"{len(self._failed)} workers in a row ended before a trial was finished, the "
                f"last one ({self._failed[-1].name}) so: {self._failed[-1].reason}."
            )


def _signal_name(number: int) -> str:
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"
