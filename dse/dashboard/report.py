"""The report of studies: one HTML file that needs nothing else, now or in ten years."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from dse.dashboard.page import Page, assemble
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
    page = Page()
    sections = {name: PANELS[name].draw(view, Options()) for name in panels}
    names = ", ".join(study.name for study in view.studies)
    return assemble(
        title=title,
        subtitle=f"Design-space study {names}",
        parts=[page.section(name, section) for name, section in sections.items() if section],
        figures=page.figures,
        first=next(name for name, section in sections.items() if section),
    )
