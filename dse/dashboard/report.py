"""The report of studies: one HTML file that needs nothing else, now or in ten years."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dse.dashboard.applied import apply
from dse.dashboard.columns import studies_value
from dse.dashboard.page import Page, page_value, whole
from dse.dashboard.spec import Dashboard, load_dashboard
from dse.dashboard.view import View
from dse.files import write_whole


def write_report(
    view: View, *, path: Path, dashboard: Dashboard | None = None, title: str = ""
) -> Path:
    """Write the report to `path`, whole or not at all, and return the path.

    Raises:
        UserError: the file cannot be written, or the dashboard asks for what is not there.
    """
    write_whole(path, render(view, dashboard=dashboard, title=title))
    return path


def render(view: View, *, dashboard: Dashboard | None = None, title: str = "") -> str:
    """The report's HTML. Every name in it is shown as text, and nothing is fetched."""
    return whole(view_value(view, dashboard=dashboard, title=title))


def view_value(
    view: View, *, dashboard: Dashboard | None = None, title: str = "", studies: bool = True
) -> dict[str, Any]:
    """The page value of studies, see `dse.dashboard.page`: what a report holds and an app sends.

    Args:
        view: the studies.
        dashboard: what is shown of them; None for the overview.
        title: heading of the page instead of the dashboard's.
        studies: whether it has the networks themselves, for selections.

    Raises:
        UserError: the dashboard asks for what is not there.
    """
    dashboard = dashboard or load_dashboard("overview")
    if title:
        dashboard = dashboard.model_copy(update={"title": title})
    shown, page = apply(dashboard, view), Page()
    return page_value(
        title=shown.title,
        subtitle=shown.subtitle,
        parts=[page.section(name, section) for name, section in shown.sections.items()],
        figures=page.figures,
        first=next(iter(shown.sections), ""),
        studies=studies_value(shown.view) if studies else (),
    )
