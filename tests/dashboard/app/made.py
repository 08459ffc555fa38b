"""A source whose studies a test changes as it likes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flask import Flask

from dse.dashboard.app.guard import Guard
from dse.dashboard.app.pages import Pages
from dse.dashboard.app.server import make_app
from dse.dashboard.app.source import Glance, Landing, Live
from dse.dashboard.app.value import app_value
from dse.dashboard.spec import load_dashboard
from dse.dashboard.view import StudyData, View

STATUS: dict[str, Any] = {
    "done": 20,
    "running": 1,
    "waiting": 3,
    "stopped": 0,
    "diverged": 1,
    "out_of_memory": 0,
    "failed": 0,
    "total": 25,
    "throughput_per_hour": 60.0,
    "throughput_n": 20,
    "throughput_window_seconds": 1200.0,
    "eta_seconds": 240.0,
    "workers": ["one"],
    "stale_workers": [],
    "failures": [{"state": "diverged", "reason": "the loss became NaN", "n": 1}],
    "flights": [],
}
LANDING = Landing(
    index=3,
    replicate=0,
    state="complete",
    reason=None,
    error=0.25,
    finished=datetime(2026, 1, 1, tzinfo=UTC),
)


class MadeSource:
    """Studies as they are given."""

    def __init__(self, *studies: StudyData) -> None:
        self.revision = 1
        self.problems: tuple[str, ...] = ()
        self.studies = studies

    def glance(self) -> Glance:
        lives = [
            Live(name=s.name, kind=s.kind, status=STATUS, landings=(LANDING,)) for s in self.studies
        ]
        return Glance(revision=str(self.revision), studies=tuple(lives), problems=self.problems)

    def view(self) -> tuple[str, View]:
        return str(self.revision), View(studies=self.studies)


def make_pages(source: MadeSource, dashboard: str = "live") -> Pages:
    """Pages of a source, of which the first is made."""
    pages = Pages(source, lambda view: app_value(view, load_dashboard(dashboard)))
    pages.build()
    assert pages.problem is None
    return pages


def make_server(*studies: StudyData, token: str | None = None) -> tuple[Flask, Pages]:
    """The app of studies."""
    source = MadeSource(*studies)
    pages = make_pages(source)
    return make_app(source, pages, Guard(token=token, port=8050), title="dse"), pages


def renamed(study: StudyData, name: str, **changes: Any) -> StudyData:
    """The study under another name."""
    population = study.population.assign(study=name)
    return replace(study, name=name, population=population, **changes)
