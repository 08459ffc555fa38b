"""Stores that are read again and again while others write: what was last read is always there."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from dse.dashboard.app import source
from dse.dashboard.app.source import Glance, Live
from dse.dashboard.view import StudyData, View
from dse.errors import UserError
from dse.jobs.shown import read_study_data, renamed
from dse.store.store import Store
from dse.store.target import Place, Target, parse_target
from dse.store.watching import Landing
from dse.study.status import WINDOW_SECONDS, make_status

POLL_SECONDS: Final = 1.0
SLOW_SECONDS: Final = 3.0
"""After so long without an answer people are told."""
SHARE: Final = 0.25
"""Reading tables takes at most this share of the time, however often they change."""
LANDINGS: Final = 12
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What is known of a store: its studies, how they stand, and the revision of each."""

    studies: tuple[StudyData, ...] = ()
    lives: tuple[Live, ...] = ()
    revisions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Since when a store cannot be read, and why."""

    since: datetime
    sentence: str


class FollowedStudy:
    """How one study stands, told again and again without reading old trainings again."""

    def __init__(self, target: Target, name: str) -> None:
        self._store = Store.open(target, study=name, read_only=True)
        self._study = self._store.existing_study()
        self._since: datetime | None = None
        self._known: set[tuple[int, int, datetime]] = set()
        self._bad: list[Landing] = []
        self._recent: list[Landing] = []
        self._last: list[Landing] = []

    def look(self) -> Live:
        """The study now."""
        snapshot = self._store.snapshot(self._since)
        fresh = [each for each in snapshot.landings if _key(each) not in self._known]
        if snapshot.landings:
            self._since = snapshot.landings[-1].finished
            self._known = {_key(e) for e in snapshot.landings if e.finished == self._since}
        self._bad += [e for e in fresh if e.state not in ("complete", "stopped")]
        after = snapshot.now - timedelta(seconds=WINDOW_SECONDS)
        self._recent = [e for e in [*self._recent, *fresh] if e.finished >= after]
        self._last = [*self._last, *fresh][-LANDINGS:]
        told = {_key(each): each for each in (*self._bad, *self._recent)}
        status = make_status(
            self._study.name, self._study.kind, replace(snapshot, landings=tuple(told.values()))
        )
        return Live(
            name=self._study.name,
            kind=self._study.kind,
            status=status.to_dict(),
            landings=tuple(map(_landing, reversed(self._last))),
        )

    def close(self) -> None:
        """Close its connections."""
        self._store.close()


class WatchedStore:
    """One store, looked at by a thread of its own, so that nobody else ever waits for it.

    Args:
        place: the store; never written to.
        names: its studies that are shown, all where none is named.
    """

    def __init__(self, place: Place, names: Sequence[str] = ()) -> None:
        self.target = parse_target(place)
        self.seen = Seen()
        self._names = tuple(names)
        self._trouble: Trouble | None = None
        self._asked: datetime | None = None
        self._not_before = 0.0
        self._identity: object = None
        self._store: Store | None = None
        self._followed: dict[str, FollowedStudy] = {}
        self._stop = threading.Event()

    # Looking, on the store's own thread

    def start(self) -> None:
        """Look every second from now on."""
        threading.Thread(target=self._run, name=f"watching {self.target}", daemon=True).start()

    def stop(self) -> None:
        """End the thread after its present look."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            self.look()
        self._close()

    def look(self) -> None:
        """Look once; what is wrong is told by `problem`, and what was read stays."""
        try:
            self.look_or_raise()
        except UserError as error:
            self._fail(str(error))
        except Exception as error:
            _log.exception("%s: cannot be read", self.target)
            self._fail(f"{type(error).__name__} ({error})")

    def look_or_raise(self) -> None:
        """Look once.

        Raises:
            UserError: the store cannot be read, or lacks a study that is asked for.
        """
        self._asked = datetime.now()
        try:
            store = self._opened()
            revisions = self._wanted(store.revisions())
            lives = tuple(self._follow(name) for name in revisions)
            self.seen = replace(self.seen, lives=lives)
            self._asked = None
            self._trouble = None
            self._read(revisions)
        finally:
            self._asked = None

    def _opened(self) -> Store:
        """The store; opened anew where another file is in its place."""
        path = self.target.path
        try:
            found = None if path is None else path.stat()
        except OSError:
            found = None
        identity = None if found is None else (found.st_dev, found.st_ino)
        if self._store is None or identity != self._identity:
            self._close()
            self._store = Store.open(self.target, read_only=True)
            self._identity = identity
        return self._store

    def _wanted(self, revisions: dict[str, str]) -> dict[str, str]:
        unknown = [name for name in self._names if name not in revisions]
        if unknown:
            there = ", ".join(map(repr, revisions)) or "none"
            raise UserError(f"{self.target}: holds no study {unknown[0]!r}; it holds: {there}.")
        return {name: revisions[name] for name in self._names or revisions}

    def _follow(self, name: str) -> Live:
        if name not in self._followed:
            self._followed[name] = FollowedStudy(self.target, name)
        return self._followed[name].look()

    def _read(self, revisions: dict[str, str]) -> None:
        """Read the tables of the studies that have changed."""
        if revisions == self.seen.revisions or time.monotonic() < self._not_before:
            return
        began = time.monotonic()
        try:
            known = {study.name: study for study in self.seen.studies}
            old = self.seen.revisions
            studies = tuple(
                known[name]
                if old.get(name) == revision
                else read_study_data(parse_target(self.target, study=name))
                for name, revision in revisions.items()
            )
            self.seen = replace(self.seen, studies=studies, revisions=revisions)
        finally:
            now = time.monotonic()
            self._not_before = now + (now - began) * (1 / SHARE - 1)

    def _fail(self, sentence: str) -> None:
        since = self._trouble.since if self._trouble else datetime.now()
        self._trouble = Trouble(since=since, sentence=sentence)
        self._close()

    def _close(self) -> None:
        for followed in self._followed.values():
            followed.close()
        if self._store is not None:
            self._store.close()
        self._followed, self._store = {}, None

    # What others may ask at any time

    @property
    def problem(self) -> str | None:
        """Why the store cannot be read now, in a sentence; None if it can."""
        trouble, asked = self._trouble, self._asked
        if trouble is not None:
            why = trouble.sentence.removeprefix(f"{self.target}: ").rstrip(".")
            return f"{self.target}: not readable since {_clock(trouble.since)}: {why}."
        if asked is not None and (datetime.now() - asked).total_seconds() > SLOW_SECONDS:
            return f"{self.target}: no answer since {_clock(asked)}; it is still being waited for."
        return None


class WatchedStores:
    """Several stores as one `Source`."""

    def __init__(self, stores: Iterable[WatchedStore]) -> None:
        self._stores = tuple(stores)
        self._view = ("", View(studies=()))

    def start(self) -> None:
        """Look at each of them once, then every second.

        Raises:
            UserError: one cannot be read.
        """
        for store in self._stores:
            store.look_or_raise()
        for store in self._stores:
            store.start()

    def stop(self) -> None:
        """End their threads."""
        for store in self._stores:
            store.stop()

    def glance(self) -> Glance:
        """How all studies stand, and what is wrong with stores."""
        names = self._names()
        lives = [
            replace(live, name=names[store.target, live.name])
            for store in self._stores
            for live in store.seen.lives
        ]
        return Glance(
            revision=self._revision(),
            studies=tuple(lives),
            problems=tuple(filter(None, (store.problem for store in self._stores))),
        )

    def view(self) -> tuple[str, View]:
        """All studies, under names of their own."""
        revision = self._revision()
        if revision != self._view[0]:
            names = self._names()
            studies = [
                (study, names[store.target, study.name])
                for store in self._stores
                for study in store.seen.studies
            ]
            found = [s if s.name == name else renamed(s, name) for s, name in studies]
            self._view = (revision, View(studies=tuple(found)))
        return self._view

    def _revision(self) -> str:
        """Of all tables; new ones are told of by new names of their own revisions."""
        told = [(str(store.target), sorted(store.seen.revisions.items())) for store in self._stores]
        return hashlib.sha256(repr(told).encode()).hexdigest()[:16]

    def _names(self) -> dict[tuple[Target, str], str]:
        """A name on the page for each study: its own, with the store's where several have it."""
        every = [(s.target, live.name) for s in self._stores for live in s.seen.lives]
        every += [(s.target, study.name) for s in self._stores for study in s.seen.studies]
        found = dict.fromkeys(every)
        often = Counter(name for _, name in found)
        return {
            (target, name): name if often[name] == 1 else f"{name} in {target}"
            for target, name in found
        }


def _key(landing: Landing) -> tuple[int, int, datetime]:
    return landing.index, landing.replicate, landing.finished


def _landing(landing: Landing) -> source.Landing:
    return source.Landing(
        index=landing.index,
        replicate=landing.replicate,
        state=landing.state,
        reason=landing.reason,
        error=landing.error,
        finished=landing.finished.replace(tzinfo=landing.finished.tzinfo or UTC),
    )


def _clock(moment: datetime) -> str:
    """The time of day, with the date where it was another day."""
    today = moment.date() == datetime.now().date()
    return f"{moment:%H:%M:%S}" if today else f"{moment:%Y-%m-%d %H:%M}"
