"""How far a run is: one calm live display, or plain lines where stdout is no terminal."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dse.store.records import Counts
from dse.study.messages import Finished, Idle, Message, Started, Step
from dse.units import format_duration

REFRESH_SECONDS: Final = 0.25
ENOUGH_TO_JUDGE: Final = 0.05  # of a training, before the time that is left can be told

Best = tuple[int, float]
"""Network number and error (a fraction)."""


@dataclass(kw_only=True)
class Flight:
    """A training that a worker is in."""

    index: int
    replicate: int
    begin: float
    step: int = 0
    steps: int = 0
    loss: float | None = None

    @property
    def fraction(self) -> float:
        """How much of the training is done."""
        return self.step / self.steps if self.steps else 0.0


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
        self.flights: dict[int, Flight] = {}
        self.awake: set[int] = set()
        self._clock = clock
        self._finished_seconds = 0.0
        self._finished_here = 0

    # What the launcher calls

    def begin(self, counts: Counts, best: Best | None, *, workers: int) -> None:
        """Workers 0 to `workers` - 1 start on the trials that wait; called again for later ones."""
        self.workers = workers
        self.recount(counts, best)

    def recount(self, counts: Counts, best: Best | None) -> None:
        """What the store says, which is the truth."""
        self.counts, self.best = counts, best

    def hear(self, worker: int, message: Message) -> None:
        """What worker number `worker` says; `recount` first, if it is that it finished."""
        self.awake.add(worker)
        match message:
            case Started():
                self.flights[worker] = Flight(
                    index=message.index, replicate=message.replicate, begin=self._clock()
                )
            case Step():
                flight = self.flights[worker]
                flight.step, flight.steps, flight.loss = message.step, message.steps, message.loss
            case Finished():
                self._land(worker, message)
            case Idle():
                self.flights.pop(worker, None)

    def lose(self, worker: int) -> None:
        """Worker number `worker` died, and what it was doing is lost."""
        self.flights.pop(worker, None)
        self.awake.discard(worker)

    def note(self, text: str) -> None:
        """Something worth a line of its own."""

    def tick(self) -> None:
        """Time has passed; called several times a second."""

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
        now = self._clock()
        flights = self.flights.values()
        spent = self._finished_seconds + sum(now - flight.begin for flight in flights)
        done = self._finished_here + sum(flight.fraction for flight in flights)
        left = self.total - self.counts.finished - sum(flight.fraction for flight in flights)
        if left <= 0:
            return 0.0
        if done < ENOUGH_TO_JUDGE or self.workers == 0:
            return None
        return spent / done * left / min(self.workers, max(left, 1.0))

    def _land(self, worker: int, message: Finished) -> float:
        """Note a finished training; how long it took in seconds."""
        flight = self.flights.pop(worker)
        seconds = self._clock() - flight.begin
        self._finished_seconds += seconds
        self._finished_here += 1
        return seconds


class PlainProgress(Progress):
    """One line for each finished training, without any control characters."""

    def __init__(self, console: Console, *, announced: int = 0) -> None:
        super().__init__(announced=announced)
        self._console = console

    def note(self, text: str) -> None:
        """Print the line."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _land(self, worker: int, message: Finished) -> float:
        seconds = super()._land(worker, message)
        width = len(str(self.total))
        parts = [f"{_outcome(message)}, {seconds:.1f} s"]
        if self.best:
            parts.append(f"best {_error(self.best)}")
        left = _left(self.seconds_left())
        if left:
            parts.append(left)
        self.note(
            f"[{self.counts.finished:{width}}/{self.total}] "
            f"{_training(message.index, message.replicate)}: {'; '.join(parts)}"
        )
        return seconds


class LiveProgress(Progress):
    """A bar, a line for each worker and the counts, redrawn at most four times a second."""

    def __init__(self, console: Console, *, announced: int = 0) -> None:
        super().__init__(announced=announced)
        self._console = console
        self._live: Live | None = None
        self._drawn = 0.0

    def begin(self, counts: Counts, best: Best | None, *, workers: int) -> None:
        """Put up the display, if it is not there yet."""
        super().begin(counts, best, workers=workers)
        if self._live is None:
            self._live = Live(self.render(), console=self._console, auto_refresh=False)
            self._live.start(refresh=True)

    def note(self, text: str) -> None:
        """Print the line above the display."""
        self._console.print(text, markup=False, highlight=False)

    def tick(self) -> None:
        """Redraw, if the last time is long enough ago."""
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
        done = self.counts.finished
        under_way = sum(flight.fraction for flight in self.flights.values())
        overall = Table.grid(padding=(0, 1))
        overall.add_row(
            ProgressBar(total=max(1, self.total), completed=done + under_way, width=40),
            f"{done}/{self.total} trainings",
            _left(self.seconds_left()),
        )
        crew = Table.grid(padding=(0, 2))
        for number in range(self.workers):
            crew.add_row(f"worker {number + 1}", *self._doing(number))
        return Group(overall, crew, Text(self._summary()))

    def _doing(self, worker: int) -> tuple[str, str, str]:
        flight = self.flights.get(worker)
        if flight is None:
            return "idle" if worker in self.awake else "starting", "", ""
        step = f"step {flight.step}/{flight.steps}" if flight.steps else ""
        loss = "" if flight.loss is None else f"loss {flight.loss:.3f}"
        return _training(flight.index, flight.replicate), step, loss

    def _summary(self) -> str:
        counts = self.counts
        best = f"best {_error(self.best)}" if self.best else "no result yet"
        summary = (
            f"{best} · {counts.complete} done · {counts.diverged} diverged · {counts.failed} failed"
        )
        if counts.out_of_memory:
            summary += f" · {counts.out_of_memory} out of memory"
        return summary


def make_progress(console: Console | None = None, *, announced: int = 0) -> Progress:
    """The live display on a terminal, plain lines elsewhere."""
    console = console or Console()
    if console.is_terminal and not console.is_dumb_terminal:
        return LiveProgress(console, announced=announced)
    return PlainProgress(console, announced=announced)


def _left(seconds: float | None) -> str:
    if seconds is None:
        return "estimating the time"
    return f"about {format_duration(round(seconds, -1) or 5)} left" if seconds else ""


def _training(index: int, replicate: int) -> str:
    kind = f"network {index}" if index >= 0 else f"reference {-index}"
    return f"{kind}, seed {replicate + 1}"


def _error(best: Best) -> str:
    return f"{best[1]:.1%} (network {best[0]})".replace("%", " %")


def _outcome(message: Finished) -> str:
    if message.error is not None:
        return f"error {message.error:.1%}".replace("%", " %")
    state = message.state.replace("_", " ")
    return f"{state} ({message.reason})" if message.reason else state
