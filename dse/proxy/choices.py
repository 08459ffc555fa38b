"""Which of several ways is fastest here, measured once and remembered by all processes.

Ways that are the same function still differ by rounding, and two that are equally fast would be
chosen now so, now so: with the choice kept in a file, a training repeated on a device repeats its
numbers.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from dse.errors import UserError
from dse.files import write_whole

WORTH: Final = 0.95
"""A way is chosen over the usual one if it takes less than this share of its time."""

Seconds = Mapping[str, float]


class Choices:
    """The choices of one kind on one device, in memory and in the file `path`.

    `about` says what a file is of; one that says otherwise is not read. Where the folder cannot be
    written, the choices are those of this process alone.
    """

    def __init__(self, path: Path, about: Mapping[str, Any]) -> None:
        self.path, self.about = path, dict(about)
        self._known: dict[str, str] = {}

    def best(self, question: str, usual: str, measure: Callable[[], Seconds]) -> str:
        """The chosen way for `question`; `measure` gives the seconds of every way there is."""
        if question not in self._known:
            with self._locked():
                self._known[question] = self._stored(question) or self._measured(
                    question, usual, measure()
                )
        return self._known[question]

    def _measured(self, question: str, usual: str, seconds: Seconds) -> str:
        fastest = min(seconds, key=lambda way: seconds[way])
        chosen = fastest if seconds[fastest] < WORTH * seconds[usual] else usual
        microseconds = {
            way: round(1e6 * value, 1) for way, value in seconds.items() if math.isfinite(value)
        }
        choices = self._read() | {question: {"chosen": chosen, "microseconds": microseconds}}
        with suppress(UserError):
            write_whole(self.path, json.dumps(self.about | {"choices": choices}, indent=1) + "\n")
        return chosen

    def _stored(self, question: str) -> str | None:
        entry = self._read().get(question)
        chosen = entry.get("chosen") if isinstance(entry, dict) else None
        return chosen if isinstance(chosen, str) else None

    def _read(self) -> dict[str, Any]:
        try:
            content = json.loads(self.path.read_bytes())
        except (OSError, ValueError):
            return {}
        if not isinstance(content, dict):
            return {}
        choices = content.pop("choices", None)
        return choices if content == self.about and isinstance(choices, dict) else {}

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process measures at a time, and the next one finds what it chose."""
        lock = None
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o644)
            fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            if lock is not None:
                os.close(lock)
