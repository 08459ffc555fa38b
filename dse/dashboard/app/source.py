"""What the app is given: studies that change, from wherever they are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from dse.dashboard.view import Kind, View


@dataclass(frozen=True, kw_only=True)
class Landing:
    """A training that ended; `error` a fraction, None unless it is complete."""

    index: int
    replicate: int
    state: str
    reason: str | None
    error: float | None
    finished: datetime


@dataclass(frozen=True, kw_only=True)
class Live:
    """How one study stands this second.

    Attributes:
        name: as in the view.
        kind: a search is always told apart from a survey.
        status: as `StudyData.status`.
        landings: the last few that ended, the newest first.
    """

    name: str
    kind: Kind
    status: Mapping[str, Any]
    landings: tuple[Landing, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Glance:
    """All that changes from second to second.

    Attributes:
        revision: of `Source.view`; another one as soon as its tables are others.
        studies: in the order of the view.
        problems: a sentence for each store that cannot be read now.
    """

    revision: str
    studies: tuple[Live, ...] = ()
    problems: tuple[str, ...] = ()


class Source(Protocol):
    """Studies that are looked at all the time. No method waits for a database."""

    def glance(self) -> Glance:
        """How all stands, and what is wrong."""
        ...

    def view(self) -> tuple[str, View]:
        """The studies' tables as they were last read, and their revision."""
        ...
