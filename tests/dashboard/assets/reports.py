"""Reports in which tests select networks."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from dse.dashboard.filters import Filter
from dse.dashboard.report import render
from dse.dashboard.spec import Dashboard
from dse.dashboard.view import StudyData, View
from tests.dashboard.conftest import make_study
from tests.dashboard.visit import Visit
from tests.population import make_population
from tests.spaces import CONVNEXT

PANELS = (
    "selection",
    "edf",
    {"panel": "error_against", "columns": ["arch.kernel_sizes.3", "arch.stem"]},
    "costs",
    "curves",
    "seeds",
)


def survey(**options: Any) -> StudyData:
    return dataclasses.replace(make_study(make_population(**options)), space=CONVNEXT)


STUDY = survey()
NETWORKS = STUDY.networks
OTHER = survey(networks=12, seed=1, diverged=(3,), study="other")


def spec(*panels: Any) -> Dashboard:
    return Dashboard.model_validate({"format": 1, "panels": panels or PANELS})


def written(folder: Path, *studies: StudyData, dashboard: Dashboard | None = None) -> Path:
    path = folder / "report.html"
    page = render(View(studies=studies), dashboard=dashboard or spec())
    path.write_text(page, encoding="utf-8")
    return path


class Pages:
    """Opened reports. One that is opened again is given its filter anew, which is much quicker."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser
        self.open: dict[Path, Visit] = {}

    @contextmanager
    def __call__(self, path: Path, fragment: str = "", **fresh: Any) -> Iterator[Visit]:
        """The report with a filter; with a width, a scheme or `new`, loaded for this alone."""
        is_known = path in self.open and not fresh
        if is_known:
            visit = self.open[path]
            visit.page.set_viewport_size({"width": 1280, "height": 900})
            visit.evaluate("document.querySelector('dialog[open]')?.close()")
            visit.page.evaluate(
                "(text) => dse.page.select(dse.filter.parse(text))", fragment.removeprefix("#")
            )
        else:
            options = {key: value for key, value in fresh.items() if key != "new"}
            visit = Visit(self.browser, path, whole=False, fragment=fragment, **options)
        yield visit
        assert visit.complaints == []
        asked = [u for u in visit.requests if not u.startswith(("file:", "data:", "blob:"))]
        assert asked == []
        if fresh:
            visit.context.close()
        else:
            self.open[path] = visit


def drag(visit: Visit, place: str, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag the mouse over a figure; places are shares of the plot, from its upper left corner."""
    visit.see(place)
    box = visit.page.locator(f"{place} .nsewdrag").first.bounding_box()
    corners = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    visit.page.mouse.move(*corners[0])
    visit.page.mouse.down()
    visit.page.mouse.move(*np.mean(corners, axis=0))
    visit.page.mouse.move(*corners[1])
    visit.page.mouse.up()
    visit.until("dse.page.isFiltered()")


def asked(visit: Visit) -> Filter:
    """The filter that the address says."""
    return Filter.parse(visit.evaluate("location.hash.slice(1)"))


def told(visit: Visit) -> str:
    return str(visit.page.locator("[role=status]").text_content())


def rows(visit: Visit) -> list[int]:
    """The networks in the table of the selection."""
    visit.see("#selection .found")
    cells = "[...document.querySelectorAll('#selection .found tbody tr td:first-child button')]"
    return [int(text) for text in visit.evaluate(f"{cells}.map((cell) => cell.textContent)")]
