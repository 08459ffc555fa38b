"""One HTML file that needs nothing else, now or in ten years."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from string import Template
from typing import Any, Final

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from dse.dashboard import markup, theme
from dse.dashboard.panels.base import Block, Group, Plot, Section

SCRIPTS: Final = (
    "table",
    "filter",
    "statistics",
    "page",
    "marks",
    "figures",
    "lines",
    "brush",
    "architecture",
    "values",
    "network",
    "exports",
    "restriction",
    "conditions",
    "selection",
    "sections",
    "start",
)
"""The parts of the engine, each of which may use those before it."""


@dataclass(frozen=True)
class Page:
    """The figures of a page, by the name of the place each is drawn in."""

    figures: dict[str, go.Figure] = field(default_factory=dict)

    def plot(self, name: str, figure: go.Figure, described: str) -> str:
        """Keep `figure` and return the HTML of its place."""
        name = "plot-" + "".join(c if c.isalnum() else "-" for c in name)
        assert name not in self.figures, f"two figures are named {name}"
        self.figures[name] = figure
        layout = figure.layout
        legend = layout.showlegend is not False
        return markup.plot(name, described, int(layout.height), legend=legend)

    def section(self, name: str, section: Section) -> str:
        """The HTML of a section, whose figures are kept under `name` and their own names."""
        blocks = (self._block(name, block) for block in section.blocks)
        return markup.section(name, section.title, *blocks, note=section.note, kind=section.kind)

    def _block(self, place: str, block: Block) -> str:
        if isinstance(block, Group):
            return markup.group(block.kind, (self._block(place, part) for part in block.blocks))
        if isinstance(block, Plot):
            name = f"{place}-{block.name}" if block.name else place
            return self.plot(name, block.figure, block.described)
        return block


def page_value(
    *,
    title: str,
    subtitle: str,
    parts: Iterable[str],
    figures: Mapping[str, go.Figure],
    first: str,
    studies: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """All that a page shows, as plain data: what `assemble` writes and an app sends.

    Args:
        title: heading of the page.
        subtitle: a line below it.
        parts: ready sections.
        figures: by the name of the place each is drawn in.
        first: id of the first section.
        studies: the networks that a selection is made of, see `dse.dashboard.columns`.
    """
    return {
        "title": title,
        "subtitle": subtitle,
        "first": first,
        "sections": "\n".join(part for part in parts if part),
        "figures": markup.plain_figures(figures),
        "templates": theme.templates(),
        "studies": list(studies),
    }


def assemble(
    *,
    title: str,
    subtitle: str,
    parts: Iterable[str],
    figures: Mapping[str, go.Figure],
    first: str,
    studies: Sequence[Mapping[str, Any]] = (),
) -> str:
    """The HTML of a page of ready sections, the first of which has the id `first`."""
    value = page_value(
        title=title, subtitle=subtitle, parts=parts, figures=figures, first=first, studies=studies
    )
    return whole(value)


def whole(value: Mapping[str, Any]) -> str:
    """A page value as one HTML file that needs nothing else."""
    plotly, js = get_plotlyjs(), script()
    shown = ("title", "subtitle", "first")
    return Template(_asset("report.html")).substitute(
        {name: markup.text(value[name]) for name in shown},
        css=_asset("report.css") + _asset("assets/engine.css"),
        policy=markup.policy((plotly, js)),
        sections=value["sections"],
        value=packed({key: part for key, part in value.items() if key != "sections"}),
        plotly=plotly,
        js=js,
    )


def script() -> str:
    """The engine that draws a page value and lets it be brushed: plain JavaScript, in one piece."""
    return "\n".join(_asset(f"assets/{name}.js") for name in SCRIPTS)


def packed(value: Mapping[str, Any]) -> str:
    """Plain data as compressed JSON in base64, in which nothing can end a script element.

    The same data give the same text: no time is written.
    """
    raw = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(gzip.compress(raw.encode(), 9, mtime=0)).decode()


def _asset(name: str) -> str:
    return resources.files("dse.dashboard").joinpath(name).read_text(encoding="utf-8")
