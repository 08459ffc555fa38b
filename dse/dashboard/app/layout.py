"""What Dash shows around the page: which studies, how they stand, the table of networks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import dash_ag_grid as dag
from dash import dcc, html

from dse.analysis.summary import percent
from dse.dashboard.app.source import Glance, Landing, Live
from dse.units import format_duration

POLL_MS: Final = 1000
KINDS: Final = {
    "survey": "survey",
    "search": "search: chosen networks, no sample",
    "paired": "paired study",
    "imported": "measured elsewhere",
    "training": "full trainings of chosen networks, no sample",
}
LANDINGS: Final = 3
ROWS_AT_ONCE: Final = 100
THEMES: Final = {"": "as the system", "light": "light", "dark": "dark"}


def layout(title: str, glance: Glance) -> html.Div:
    """All that Dash shows; `app.js` puts the page into `page-slot`, and the table into the page."""
    return html.Div(
        [
            dcc.Interval(id="tick", interval=POLL_MS),
            dcc.Store(id="live"),
            dcc.Store(id="heard"),
            dcc.Store(id="filter", data=""),
            html.Header([_top(title), html.Div(studies(glance), id="studies", role="status")]),
            html.Div(problems(glance), id="problems", role="alert"),
            html.Div(id="page-slot"),
            html.Div(_networks(), id="networks-home"),
        ]
    )


def _top(title: str) -> html.Div:
    choices = [html.Option(shown, value=value) for value, shown in THEMES.items()]
    return html.Div(
        [
            html.H1(html.A(title, href="/", className="home")),
            html.Label(["Theme ", html.Select(choices, id="theme")], className="theme"),
        ],
        className="top",
    )


def _networks() -> html.Div:
    grid = dag.AgGrid(
        id="networks",
        rowModelType="infinite",
        columnDefs=[],
        defaultColDef={"sortable": True, "resizable": True, "suppressHeaderMenuButton": True},
        dashGridOptions={
            "cacheBlockSize": ROWS_AT_ONCE,
            "maxBlocksInCache": 10,
            "rowHeight": 34,
            "headerHeight": 38,
            "tooltipShowDelay": 300,
        },
        className="networks-grid",
        columnSize="autoSize",
        style={"height": "440px"},
    )
    return html.Div(
        [
            html.H3("Networks"),
            html.P("The best by their first seed first; every heading sorts.", className="note"),
            grid,
        ],
        id="networks-part",
    )


def studies(glance: Glance) -> list[Any]:
    """One line a study: what it is, how far it is, what came in last."""
    lines = [_study(live) for live in glance.studies]
    return [html.Ul(lines, className="studies")]


def _study(live: Live) -> html.Li:
    status = live.status
    parts = [f"n = {status['done']:,} of {status['total']:,} trained to the end"]
    bad = sum(status[state] for state in ("diverged", "out_of_memory", "failed"))
    parts += [f"{bad:,} ended badly"] if bad else []
    at_work, lost = len(status["workers"]), len(status["stale_workers"])
    parts.append(f"{at_work} worker{'s' * (at_work != 1)} at work" if at_work else "no worker")
    parts += [f"{lost} not heard of"] if lost else []
    left = status["running"] + status["waiting"]
    if left and status["eta_seconds"]:
        parts.append(f"about {format_duration(status['eta_seconds'])} left")
    last = [_landing(landing) for landing in live.landings[:LANDINGS]]
    return html.Li(
        [
            html.Strong(live.name),
            html.Span(KINDS[live.kind], className=f"kind {live.kind}"),
            html.Span(", ".join(parts)),
            *([html.Span(["Last: ", "; ".join(last)], className="last")] if last else []),
        ]
    )


def _landing(landing: Landing) -> str:
    who = f"network {landing.index}" if landing.index >= 0 else f"reference {-landing.index}"
    seed = f", seed {landing.replicate + 1}" if landing.replicate else ""
    came = landing.state.replace("_", " ") if landing.error is None else percent(landing.error)
    return f"{who}{seed} {came} ({_ago(landing.finished)})"


def _ago(moment: datetime) -> str:
    """In steps, so that the line is not another one every second."""
    seconds = (datetime.now(UTC) - moment).total_seconds()
    if seconds < 15:
        return "just now"
    if seconds < 3600:
        return f"{max(1, round(seconds / 60))} min ago"
    return moment.astimezone().strftime("%H:%M" if seconds < 20 * 3600 else "%Y-%m-%d %H:%M")


def problems(glance: Glance, drawing: str | None = None) -> list[Any]:
    """What is wrong now, each in a sentence: with stores, and with `drawing` the page."""
    said = [*glance.problems, *([drawing] if drawing else [])]
    return [html.P(sentence, className="problem") for sentence in said]
