"""A run's workers: started by a launcher, watched through the store."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from dse.errors import UserError
from dse.store.store import Store
from dse.study.launch.base import Launcher, WorkerOrder
from dse.study.launch.departures import Departure
from dse.study.launching import Launching, new_run
from dse.study.progress import REFRESH_SECONDS, Progress, training_text

KEEP_SECONDS: Final = 1.0
"""The launcher is asked for its workers so often."""


class Crew:
    """Workers for the study that `store` means, kept for the length of a `with` block.

    The caller holds the store's lock if it is a file (`store_lock`), and so owns every running
    trial of a run: those that an interrupted one left behind wait again. Leaving the block, also
    by Ctrl-C, stops the workers; a stopped run resumes. The thread that enters the block must live
    as long as it: on Linux, processes of this machine die with it.
    """

    def __init__(
        self,
        store: Store,
        launcher: Launcher[Any],
        order: WorkerOrder,
        *,
        run: str,
        progress: Progress,
    ) -> None:
        self._store, self._launcher, self._order = store, launcher, order
        self._run, self._progress = run, progress

    def __enter__(self) -> Self:
        self._store.release_dead_runs("the run was interrupted")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._launcher.stop()
        finally:
            self._progress.end()
        with suppress(UserError):  # the next run does it too
            self._store.release_run(self._run, "the run was stopped")
            if kind is KeyboardInterrupt:
                counts = self._store.counts()
                self._progress.note(
                    f"Stopped: {counts.finished} of {counts.total} trainings are done and kept; "
                    "the same command resumes."
                )

    def drain(self) -> None:
        """Work until no trial of the study waits or runs; may be called again for later ones.

        Raises:
            UserError: the workers cannot work: no disk, no memory to start, no data.
        """
        progress, kept = self._progress, 0.0
        progress.begin(self._store.snapshot(progress.since), workers=self._order.count)
        while left := progress.counts.waiting + progress.counts.running:
            if time.monotonic() - kept >= KEEP_SECONDS:
                self._keep(left)
                kept = time.monotonic()
            time.sleep(REFRESH_SECONDS)
            progress.see(self._store.snapshot(progress.since))
        self._store.clear_checkpoints()

    def _keep(self, left: int) -> None:
        if self._launcher.alive() == 0:
            self._launcher.start(self._order)
        for departure in self._launcher.keep(left):
            if not departure.in_peace:
                self._bury(departure)

    def _bury(self, departure: Departure) -> None:
        """Let a dead worker's training wait again, or give it up."""
        flights = {flight.worker: flight for flight in self._progress.flights}
        self._store.crashed(departure.name, departure.reason)
        flight = flights.get(departure.name)
        during = (
            f" while training {training_text(flight.index, flight.replicate)}" if flight else ""
        )
        self._progress.note(f"{departure.name}: {departure.reason}{during}")


def make_crew(store: Store, launching: Launching, *, logs: Path, progress: Progress) -> Crew:
    """The workers that a run is asked to start for the study that `store` means.

    Raises:
        UserError: an engine is missing, an option is wrong, or workers cannot reach the store.
    """
    run = new_run()
    order = launching.order(store, run, logs)
    return Crew(store, launching.make(), order, run=run, progress=progress)
