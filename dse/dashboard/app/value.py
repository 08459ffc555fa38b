"""The page value that the app sends: a report's, with as many networks as a browser can hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from dse.dashboard.app.source import Glance
from dse.dashboard.columns import studies_value
from dse.dashboard.figures.points import drawn
from dse.dashboard.page import Page
from dse.dashboard.panels.base import Options
from dse.dashboard.panels.running import workers
from dse.dashboard.report import OVERVIEW, view_value
from dse.dashboard.view import StudyData, View

MOST_HELD: Final = 20_000
"""Networks that a browser filters by itself; of more, the server answers."""
MOST_SENT: Final = 4_000
"""Networks of each study that a browser has then."""


def app_value(view: View, *, title: str, panels: Sequence[str] = OVERVIEW) -> dict[str, Any]:
    """The page value of a view; `partial` where it has not all networks."""
    total = sum(len(study.networks) for study in view.studies)
    partial = total > MOST_HELD
    value = view_value(view, title=title, panels=panels, studies=False)
    return value | {
        "studies": studies_value(view, kept_networks(view) if partial else None),
        "partial": partial,
        "network_page": "/network/{study}/{index}",
        "table": "networks-section",
    }


def kept_networks(view: View) -> dict[str, list[int]]:
    """The networks of each study that a browser gets where it cannot have all.

    Those that figures draw are among them, so that every point can be selected and opened.
    """
    return {
        study.name: study.networks["index"][drawn(study.networks, most=MOST_SENT)].tolist()
        for study in view.studies
    }


def workers_html(glance: Glance) -> str:
    """The panel of workers and failures as all stands this second."""
    nothing = pd.DataFrame()
    view = View(
        studies=tuple(
            StudyData(
                name=live.name,
                kind=live.kind,
                title=live.name,
                store="",
                population=nothing,
                curves=nothing,
                status=live.status,
            )
            for live in glance.studies
        )
    )
    section = workers(view, Options())
    return Page().section("workers", section) if section else ""
