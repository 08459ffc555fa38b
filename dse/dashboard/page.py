"""One HTML file that needs nothing else, now or in ten years."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from string import Template

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from dse.dashboard import markup


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
