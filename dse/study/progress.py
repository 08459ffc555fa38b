"""How far a run is: one calm live display, or plain lines where stdout is no terminal."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dse.store.records import Counts
from dse.store.watching import Flight, Landing, Snapshot
from dse.units import format_duration

REFRESH_SECONDS: Final = 0.25
ENOUGH_TO_JUDGE: Final = 0.05  # of a training, before the time that is left can be told
ROWS: Final = 16
"""The live display has lines for so many workers."""

Best = tuple[int, float]
"""Network number and error (a fraction)."""
Key = tuple[int, int, datetime]


class Progress:
    """Follows a run and says nothing; its subclasses show what it knows.

    `announced` trainings are not in the store yet but will follow (the second seeds of the best
    networks, which are known only when all first seeds are done): they count in total and ETA.
    """

    def __init__(self, *, announced: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self.announced = announced
        self.counts = Counts()
        self.best: Best | None = None
        self.workers = 0
        self.flights: tuple[Flight, ...] = ()
        self.since: datetime | None = None
        """The next snapshot need not tell of what ended earlier."""
        self._clock = clock
        self._known: set[Key] = set()
        self._began = False
        self._finished_seconds = 0.0
        self._finished_here = 0

    # What the run calls

    def begin(self, snapshot: Snapshot, *, workers: int) -> None:
        """So many workers start on the trials that wait; called again for later ones."""
        self.workers = workers
        if not self._began:
            self._know(snapshot)
            self._began = True
        self.see(snapshot)

    def see(self, snapshot: Snapshot) -> None:
        """What the store says, which is the truth; called several times a second."""
        self.counts, self.best, self.flights = snapshot.counts, snapshot.best, snapshot.flights
        for landing in self._know(snapshot):
            self._finished_seconds += landing.seconds or 0.0
            self._finished_here += 1
            self._land(landing)

    def note(self, text: str) -> None:
        """Something worth a line of its own."""

    def end(self) -> None:
        """The workers are stopped."""

    # What can be shown

    @property
    def total(self) -> int:
        """All trainings of the study, announced ones too."""
        return self.counts.total + self.announced

    def seconds_left(self) -> float | None:
        """Time until all is trained; None while too little has happened to tell.

        The time a training takes is all time spent so far, in finished trainings and in those
        under way, over all work done in it; what is left is shared by the workers.
        """
        spent = self._finished_seconds + sum(flight.seconds for flight in self.flights)
        under_way = sum(flight.fraction for flight in self.flights)
        done = self._finished_here + under_way
        left = self.total - self.counts.finished - under_way
        if left <= 0:
            return 0.0
        if done < ENOUGH_TO_JUDGE or self.workers == 0:
            return None
        return spent / done * left / min(self.workers, max(left, 1.0))

    def _know(self, snapshot: Snapshot) -> list[Landing]:
        """The trainings that have ended since the last snapshot."""
        fresh = []
        for landing in snapshot.landings:
            key = landing.index, landing.replicate, landing.finished
            if key not in self._known:
                self._known.add(key)
                fresh.append(landing)
            self.since = landing.finished
        return fresh

    def _land(self, landing: Landing) -> None:
        """Show a training that ended."""


class PlainProgress(Progress):
    """One line for each finished training, without any control characters."""

    def __init__(self, console: Console, *, announced: int = 0) -> None:
        super().__init__(announced=announced)
        self._console = console
        self._shown = 0

    def begin(self, snapshot: Snapshot, *, workers: int) -> None:
        """Count from what is finished already."""
        if not self._began:
            self._shown = snapshot.counts.finished
        super().begin(snapshot, workers=workers)

    def note(self, text: str) -> None:
        """Print the line."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _land(self, landing: Landing) -> None:
        self._shown += 1
        width = len(str(self.total))
        parts = [outcome_text(landing)]
        if landing.seconds is not None:
            parts[0] += f", {landing.seconds:.1f} s"
        if self.best:
            parts.append(f"best {best_text(self.best)}")
        left = _left(self.seconds_left())
        if left:
            parts.append(left)
        self.note(
            f"[{self._shown:{width}}/{self.total}] "
            f"{training_text(landing.index, landing.replicate)}: {'; '.join(parts)}"
        )


class LiveProgress(Progress):
    """A bar, a line for each worker and the counts, redrawn at most four times a second."""

    def __init__(self, console: Console, *, announced: int = 0) -> None:
        super().__init__(announced=announced)
        self._console = console
        self._live: Live | None = None
        self._drawn = 0.0

    def begin(self, snapshot: Snapshot, *, workers: int) -> None:
        """Put up the display, if it is not there yet."""
        super().begin(snapshot, workers=workers)
        if self._live is None:
            self._live = Live(self.render(), console=self._console, auto_refresh=False)
            self._live.start(refresh=True)

    def note(self, text: str) -> None:
        """Print the line above the display."""
        self._console.print(text, markup=False, highlight=False)

    def see(self, snapshot: Snapshot) -> None:
        """Redraw, if the last time is long enough ago."""
        super().see(snapshot)
        if self._live and self._clock() - self._drawn >= REFRESH_SECONDS:
            self._live.update(self.render(), refresh=True)
            self._drawn = self._clock()

    def end(self) -> None:
        """Draw for the last time and leave it standing."""
        if self._live:
            self._live.update(self.render(), refresh=True)
            self._live.stop()
            self._live = None

    def render(self) -> RenderableType:
        """The display as it is now."""
        under_way = sum(flight.fraction for flight in self.flights)
        overall = Table.grid(padding=(0, 1))
        overall.add_row(
            ProgressBar(
                total=max(1, self.total), completed=self.counts.finished + under_way, width=40
            ),
            f"{self.counts.finished}/{self.total} trainings",
            _left(self.seconds_left()),
        )
        crew = Table.grid(padding=(0, 2))
        for flight in self.flights[:ROWS]:
            crew.add_row(*flight_texts(flight))
        if len(self.flights) > ROWS:
            crew.add_row(f"and {len(self.flights) - ROWS} more")
        elif len(self.flights) < min(self.workers, self.counts.waiting):
            crew.add_row("workers are starting")
        return Group(overall, crew, Text(self._summary()))

    def _summary(self) -> str:
        counts = self.counts
        best = f"best {best_text(self.best)}" if self.best else "no result yet"
        summary = (
            f"{best} · {counts.complete} done · {counts.diverged} diverged · {counts.failed} failed"
        )
        if counts.out_of_memory:
            summary += f" · {counts.out_of_memory} out of memory"
        if counts.stopped:
            summary += f" · {counts.stopped} stopped early"
        return summary


def make_progress(console: Console | None = None, *, announced: int = 0) -> Progress:
    """The live display on a terminal, plain lines elsewhere."""
    console = console or Console()
    if console.is_terminal and not console.is_dumb_terminal:
        return LiveProgress(console, announced=announced)
    return PlainProgress(console, announced=announced)


def training_text(index: int, replicate: int) -> str:
    """A training as people name it, seeds from 1."""
    kind = f"network {index}" if index >= 0 else f"reference {-index}"
    return f"{kind}, seed {replicate + 1}"


def flight_texts(flight: Flight) -> tuple[str, str, str, str]:
    """Worker, training, step and loss of a training under way."""
    step = f"step {flight.step}/{flight.steps}" if flight.steps else ""
    loss = "" if flight.loss is None else f"loss {flight.loss:.3f}"
    if flight.overdue:
        loss = "not heard of any more"
    return flight.worker, training_text(flight.index, flight.replicate), step, loss


def best_text(best: Best) -> str:
    """The lowest error and whose it is."""
    return f"{best[1]:.1%} (network {best[0]})".replace("%", " %")


def outcome_text(landing: Landing) -> str:
    """The error of a training, or why it has none."""
    if landing.error is not None:
        return f"error {landing.error:.1%}".replace("%", " %")
    state = landing.state.replace("_", " ")
    return f"{state} ({landing.reason})" if landing.reason else state


def _left(seconds: float | None) -> str:
    if seconds is None:
        return "estimating the time"
    return f"about {format_duration(round(seconds, -1) or 5)} left" if seconds else ""
