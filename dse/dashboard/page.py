"""One HTML file that needs nothing else, now or in ten years."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from string import Template

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from dse.dashboard import markup
from dse.dashboard.panels.base import Block, Group, Plot, Section


@dataclass(frozen=True)
class Page:
    """The figures of a page, by the name of the place each is drawn in."""

    figures: dict[str, go.Figure] = field(default_factory=dict)

    def plot(self, name: str, figure: go.Figure, described: str) -> str:
        """Keep `figure` and return the HTML of its place."""
        name = "plot-" + "".join(c if c.isalnum() else "-" for c in name)
        assert name not in self.figures, f"two figures are named {name}"
        self.figures[name] = figure
        return markup.plot(name, described, int(figure.layout.height))

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


def assemble(
    *,
    title: str,
    subtitle: str,
    parts: Iterable[str],
    figures: Mapping[str, go.Figure],
    first: str,
) -> str:
    """The HTML of a page of ready sections, the first of which has the id `first`."""
    plotly, js = get_plotlyjs(), _asset("report.js")
    return Template(_asset("report.html")).substitute(
        title=markup.text(title),
        subtitle=markup.text(subtitle),
        first=markup.text(first),
        css=_asset("report.css"),
        policy=markup.policy((plotly, js)),
        sections="\n".join(part for part in parts if part),
        figures=markup.figures_json(figures),
        plotly=plotly,
        js=js,
    )


def _asset(name: str) -> str:
    return resources.files("dse.dashboard").joinpath(name).read_text(encoding="utf-8")
