"""How a study stands: what is done, how fast, what failed and why, who is not heard of any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from dse.errors import UserError
from dse.store.records import Counts
from dse.store.store import Store
from dse.store.target import Place
from dse.store.watching import Flight, Landing, Snapshot

WINDOW_SECONDS: Final = 3600.0
"""The throughput is that of the last hour, or since the first training ended in it."""


@dataclass(frozen=True, kw_only=True)
class Status:
    """A study at one moment.

    Attributes:
        study: its name; `kind` is survey, search, paired, imported or training.
        counts: trainings by state.
        recent: how many ended in the last `window` seconds.
        flights: trainings under way, those of lost workers too.
        failures: how many trainings ended with each state and reason, the most frequent first.
        best: number and error of the network with the lowest error so far, selected and so too
            good on average.
    """

    study: str
    kind: str
    counts: Counts
    recent: int
    window: float
    flights: tuple[Flight, ...]
    failures: tuple[tuple[str, str, int], ...]
    best: tuple[int, float] | None

    @property
    def throughput(self) -> float | None:
        """Trainings an hour; None if none ended lately."""
        return 3600 * self.recent / self.window if self.recent else None

    @property
    def stale(self) -> tuple[Flight, ...]:
        """Trainings whose workers are not heard of any more; another worker will take them."""
        return tuple(flight for flight in self.flights if flight.overdue)

    @property
    def eta_seconds(self) -> float | None:
        """Seconds until all that is known of is trained at this throughput; None if unknown."""
        left = self.counts.waiting + sum(1 - flight.fraction for flight in self.flights)
        if not left:
            return 0.0
        return None if self.throughput is None else 3600 * left / self.throughput

    def to_dict(self) -> dict[str, Any]:
        """Stable keys for scripts; `done` counts the complete ones alone."""
        counts = self.counts
        return {
            "study": self.study,
            "kind": self.kind,
            "done": counts.complete,
            "running": counts.running,
            "waiting": counts.waiting,
            "stopped": counts.stopped,
            "diverged": counts.diverged,
            "out_of_memory": counts.out_of_memory,
            "failed": counts.failed,
            "total": counts.total,
            "throughput_per_hour": self.throughput,
            "throughput_n": self.recent,
            "throughput_window_seconds": self.window,
            "eta_seconds": self.eta_seconds,
            "best_network": self.best[0] if self.best else None,
            "best_error": self.best[1] if self.best else None,
            "workers": sorted({f.worker for f in self.flights if not f.overdue}),
            "stale_workers": sorted({f.worker for f in self.stale}),
            "flights": [
                {"network" if key == "index" else key: value for key, value in asdict(f).items()}
                for f in self.flights
            ],
            "failures": [
                {"state": state, "reason": reason, "n": n} for state, reason, n in self.failures
            ],
        }


def read_status(store: Place, studies: Sequence[str]) -> list[Status]:
    """How the store's studies stand, or those that are named.

    Raises:
        UserError: there is no store, or no such study.
    """
    with Store.open(store, read_only=True) as opened:
        there = {study.name: study.kind for study in opened.studies()}
    unknown = [name for name in studies if name not in there]
    if unknown:
        names = ", ".join(map(repr, there)) or "none"
        raise UserError(f"{store}: holds no study {unknown[0]!r}; it holds: {names}.")
    found = []
    for name in studies or there:
        with Store.open(store, study=name, read_only=True) as opened:
            found.append(make_status(name, there[name], opened.snapshot()))
    return found


def make_status(study: str, kind: str, snapshot: Snapshot) -> Status:
    """What a snapshot with all landings says."""
    lately = [
        landing
        for landing in snapshot.landings
        if (snapshot.now - landing.finished).total_seconds() <= WINDOW_SECONDS
    ]
    return Status(
        study=study,
        kind=kind,
        counts=snapshot.counts,
        recent=len(lately),
        window=_window(snapshot, lately),
        flights=snapshot.flights,
        failures=_failures(snapshot.landings),
        best=snapshot.best,
    )


def _window(snapshot: Snapshot, lately: list[Landing]) -> float:
    """Since the first of the recent trainings began, an hour at most."""
    if not lately:
        return WINDOW_SECONDS
    began = max(
        (snapshot.now - landing.finished).total_seconds() + (landing.seconds or 0.0)
        for landing in lately
    )
    return min(WINDOW_SECONDS, max(began, 1.0))


def _failures(landings: tuple[Landing, ...]) -> tuple[tuple[str, str, int], ...]:
    bad = Counter(
        (landing.state, landing.reason or "")
        for landing in landings
        if landing.state not in ("complete", "stopped")
    )
    return tuple((state, reason, n) for (state, reason), n in bad.most_common())
