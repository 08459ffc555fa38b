"""The page value that the app sends: a report's, with as many networks as a browser can hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from dse.dashboard.app.source import Glance
from dse.dashboard.applied import apply
from dse.dashboard.columns import studies_value
from dse.dashboard.figures.points import drawn
from dse.dashboard.page import Page, page_value
from dse.dashboard.panels.base import Options
from dse.dashboard.panels.running import workers
from dse.dashboard.spec import Dashboard, ShownPanel
from dse.dashboard.view import View

MOST_HELD: Final = 20_000
"""Networks that a browser filters by itself; of more, the server answers."""
MOST_SENT: Final = 4_000
"""Networks of each study that a browser has then."""


def app_value(view: View, dashboard: Dashboard) -> tuple[dict[str, Any], View]:
    """The page value of a dashboard, and the studies and networks that it shows.

    It is `partial` where it has not all networks. Workers are always shown.

    Raises:
        UserError: the dashboard asks for what is not there.
    """
    if all(shown.panel != "workers" for shown in dashboard.panels):
        panels = (*dashboard.panels, ShownPanel(panel="workers"))
        dashboard = dashboard.model_copy(update={"panels": panels})
    shown, page = apply(dashboard, view), Page()
    partial = sum(len(study.networks) for study in shown.view.studies) > MOST_HELD
    value = page_value(
        title=shown.title,
        subtitle=shown.subtitle,
        parts=[page.section(name, section) for name, section in shown.sections.items()],
        figures=page.figures,
        first=next(iter(shown.sections), ""),
        studies=studies_value(shown.view, kept_networks(shown.view) if partial else None),
    )
    more = {
        "partial": partial,
        "has_table": True,
        "network_page": "/network/{study}/{index}",
    }
    return value | more, shown.view


def kept_networks(view: View) -> dict[str, list[int]]:
    """The networks of each study that a browser gets where it cannot have all.

    Those that figures draw are among them, so that every point can be selected and opened.
    """
    return {
        study.name: study.networks["index"][drawn(study.networks, most=MOST_SENT)].tolist()
        for study in view.studies
    }


def workers_html(glance: Glance, view: View) -> str:
    """The panel of workers and failures of the studies of `view`, as all stands this second."""
    lives = {live.name: live.status for live in glance.studies}
    now = [replace(s, status=lives[s.name]) for s in view.studies if s.name in lives]
    section = workers(View(studies=tuple(now)), Options())
    return Page().section("workers", section) if section else ""
