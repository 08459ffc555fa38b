"""Stores that are read again and again while others write: what was last read is always there."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from dse.dashboard.app.source import Glance, Live
from dse.dashboard.view import StudyData, View
from dse.errors import UserError
from dse.jobs.following import FollowedStudy
from dse.jobs.shown import read_study_data, renamed
from dse.store.store import Store
from dse.store.target import Place, Target, parse_target

POLL_SECONDS: Final = 1.0
SLOW_SECONDS: Final = 3.0
"""After so long without an answer people are told."""
SHARE: Final = 0.25
"""Reading tables takes at most this share of the time, however often they change."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The studies of a store as they were read last, and the revision of each."""

    studies: tuple[StudyData, ...] = ()
    revisions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Since when a store cannot be read, and why."""

    since: datetime
    sentence: str


class WatchedStore:
    """One store, looked at and read by threads of its own, so that nobody else waits for it.

    One thread asks every second how the studies stand; another reads the tables that have changed,
    which may take longer.

    Args:
        place: the store; never written to.
        names: its studies that are shown, all where none is named.
    """

    def __init__(self, place: Place, names: Sequence[str] = ()) -> None:
        self.target = parse_target(place)
        self.lives: tuple[Live, ...] = ()
        self.tables = Tables()
        self._names = tuple(names)
        self._revisions: dict[str, str] = {}
        self._troubles: dict[str, Trouble] = {}
        self._asked: datetime | None = None
        self._not_before = 0.0
        self._identity: object = None
        self._store: Store | None = None
        self._followed: dict[str, FollowedStudy] = {}
        self._stop = threading.Event()

    def start(self) -> None:
        """Look and read once, and then every second.

        Raises:
            UserError: the store cannot be read, or lacks a study that is asked for.
        """
        self.look_or_raise()
        self.read_or_raise()
        for work in (self.look, self.read):
            threading.Thread(target=self._repeat, args=[work], daemon=True).start()

    def stop(self) -> None:
        """End the threads after what they do now."""
        self._stop.set()

    def _repeat(self, work: Callable[[], None]) -> None:
        while not self._stop.wait(POLL_SECONDS):
            work()
        if work == self.look:
            self._close()

    def look(self) -> None:
        """Look once; what is wrong is told by `problem`, and what was seen stays."""
        if not self._try("look", self.look_or_raise):
            self._close()

    def read(self) -> None:
        """Read what has changed; what is wrong is told by `problem`, and what was read stays."""
        if self.tables.revisions != self._revisions and time.monotonic() >= self._not_before:
            began = time.monotonic()
            self._try("read", self.read_or_raise)
            took = time.monotonic() - began
            self._not_before = began + took / SHARE

    def _try(self, what: str, work: Callable[[], None]) -> bool:
        """Whether it went well."""
        try:
            work()
        except UserError as error:
            sentence = str(error)
        except Exception as error:  # a mistake of ours must not end the thread
            _log.exception("%s: cannot be read", self.target)
            sentence = f"{type(error).__name__} ({error})"
        else:
            self._troubles.pop(what, None)
            return True
        known = self._troubles.get(what)
        since = known.since if known else datetime.now()
        self._troubles[what] = Trouble(since=since, sentence=sentence)
        return False

    def look_or_raise(self) -> None:
        """See how the studies stand, and which tables have changed.

        Raises:
            UserError: the store cannot be read, or lacks a study that is asked for.
        """
        self._asked = datetime.now()
        try:
            revisions = self._wanted(self._opened().revisions())
            self.lives = tuple(self._follow(name) for name in revisions)
            self._revisions = revisions
        finally:
            self._asked = None

    def read_or_raise(self) -> None:
        """Read the tables that were seen to have changed.

        Raises:
            UserError: they cannot be read.
        """
        known, revisions = self.tables, self._revisions
        old = {study.name: study for study in known.studies}
        studies = tuple(
            old[name]
            if known.revisions.get(name) == revision
            else read_study_data(parse_target(self.target, study=name))
            for name, revision in revisions.items()
        )
        self.tables = Tables(studies=studies, revisions=revisions)

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

    def _close(self) -> None:
        for followed in self._followed.values():
            followed.close()
        if self._store is not None:
            self._store.close()
        self._followed, self._store = {}, None

    @property
    def problem(self) -> str | None:
        """Why the store cannot be read now, in a sentence; None if it can."""
        asked = self._asked
        trouble = self._troubles.get("look") or self._troubles.get("read")
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
            for live in store.lives
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
                for study in store.tables.studies
            ]
            found = [s if s.name == name else renamed(s, name) for s, name in studies]
            self._view = (revision, View(studies=tuple(found)))
        return self._view

    def _revision(self) -> str:
        """Of all tables; new ones are told of by new names of their own revisions."""
        told = [
            (str(store.target), sorted(store.tables.revisions.items())) for store in self._stores
        ]
        return hashlib.sha256(repr(told).encode()).hexdigest()[:16]

    def _names(self) -> dict[tuple[Target, str], str]:
        """A name on the page for each study: its own, with the store's where several have it."""
        every = [(s.target, live.name) for s in self._stores for live in s.lives]
        every += [(s.target, study.name) for s in self._stores for study in s.tables.studies]
        found = dict.fromkeys(every)
        often = Counter(name for _, name in found)
        return {
            (target, name): name if often[name] == 1 else f"{name} in {target}"
            for target, name in found
        }


def _clock(moment: datetime) -> str:
    """The time of day, with the date where it was another day."""
    today = moment.date() == datetime.now().date()
    return f"{moment:%H:%M:%S}" if today else f"{moment:%Y-%m-%d %H:%M}"
