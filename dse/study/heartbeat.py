"""Keeping a claimed training's lease while it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dse.errors import UserError
from dse.store.claims import BEAT_SECONDS
from dse.store.records import ClaimedTrial
from dse.store.store import Store

Note = Callable[[int, int, float], None]
"""Called with (step, steps, newest loss), which the next heartbeat tells the store."""


@contextmanager
def heartbeats(
    store: Store, trial: ClaimedTrial, *, seconds: float = BEAT_SECONDS
) -> Iterator[Note]:
    """Extend the trial's lease every so many seconds, from a thread, until the block ends."""
    progress: dict[str, Any] = {}
    stop = threading.Event()

    def note(step: int, steps: int, loss: float) -> None:
        progress.update(step=step, steps=steps, loss=loss)

    def beat() -> None:
        while not stop.wait(seconds):
            try:
                if not store.heartbeat(trial, **progress.copy()):
                    return  # the training was given to someone else
            except UserError:  # the lease may run out; storing the result will say what is wrong
                continue

    thread = threading.Thread(target=beat, name="heartbeats", daemon=True)
    thread.start()
    try:
        yield note
    finally:
        stop.set()
        thread.join()
