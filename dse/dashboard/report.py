"""The report of studies: one HTML file that needs nothing else, now or in ten years."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from dse.dashboard.columns import studies_value
from dse.dashboard.page import Page, page_value, whole
from dse.dashboard.panels import PANELS
from dse.dashboard.panels.base import Options
from dse.dashboard.view import View
from dse.files import write_whole

OVERVIEW: Final = tuple(PANELS)


def write_report(view: View, *, title: str, path: Path, panels: Sequence[str] = OVERVIEW) -> Path:
    """Write the report to `path`, whole or not at all, and return the path.

    Raises:
        UserError: the file cannot be written.
    """
    write_whole(path, render(view, title=title, panels=panels))
    return path


def render(view: View, *, title: str, panels: Sequence[str] = OVERVIEW) -> str:
    """The report's HTML. Every name in it is shown as text, and nothing is fetched."""
    return whole(view_value(view, title=title, panels=panels))


def view_value(
    view: View, *, title: str, panels: Sequence[str] = OVERVIEW, studies: bool = True
) -> dict[str, Any]:
    """The page value of studies, see `dse.dashboard.page`: what a report holds and an app sends.

    Args:
        view: the studies.
        title: heading of the page.
        panels: their names, in the order shown.
        studies: whether it has the networks themselves, for selections.
    """
    page = Page()
    drawn = {name: PANELS[name].draw(view, Options()) for name in panels}
    sections = {name: section for name, section in drawn.items() if section}
    names = ", ".join(study.name for study in view.studies)
    return page_value(
        title=title,
        subtitle=f"Design-space study {names}",
        parts=[page.section(name, section) for name, section in sections.items()],
        figures=page.figures,
        first=next(iter(sections)),
        studies=studies_value(view) if studies else (),
    )
