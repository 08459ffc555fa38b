"""How a study stands, told every second without reading again what is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from dse.dashboard.app import source
from dse.dashboard.app.source import Live
from dse.store.store import Store
from dse.store.target import Target
from dse.store.watching import Landing
from dse.study.status import WINDOW_SECONDS, make_status

LANDINGS: Final = 12
"""So many of the last ones are told."""


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
