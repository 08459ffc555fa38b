"""The app itself: what answers requests, and what Dash is told every second."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import waitress
from dash import ClientsideFunction, Dash, Input, Output, State, no_update
from dash.exceptions import PreventUpdate
from flask import Flask

from dse.dashboard.app import layout
from dse.dashboard.app.grid import NetworkTable
from dse.dashboard.app.guard import Guard
from dse.dashboard.app.pages import Built, Pages
from dse.dashboard.app.routes import add_routes
from dse.dashboard.app.scripts import add_scripts, document
from dse.dashboard.app.source import Source
from dse.dashboard.app.value import workers_html
from dse.dashboard.filters import Filter
from dse.errors import UserError

THREADS: Final = 8
MOST_BYTES: Final = 1_000_000
"""Of a request."""


def make_app(source: Source, pages: Pages, guard: Guard, *, title: str) -> Flask:
    """What answers all requests about a source whose pages are being made."""
    server = Flask("dse.dashboard.app", static_folder=None)
    server.config["MAX_CONTENT_LENGTH"] = MOST_BYTES
    app = Dash(
        __name__,
        server=cast(Any, server),  # Dash takes a Flask app, whatever its annotation says
        assets_folder="",
        include_assets_files=False,
        use_pages=False,
        include_pages_meta=False,
        serve_locally=True,
        enable_mcp=False,
        add_log_handler=False,
        update_title="",
        title=title,
        index_string=document(),
    )
    app.layout = lambda: layout.layout(title, source.glance())
    _add_callbacks(app, source, pages)
    add_routes(server, pages)
    add_scripts(server)
    guard.protect(server, app.csp_hashes())
    return server


def _add_callbacks(app: Dash, source: Source, pages: Pages) -> None:
    table = _Table()

    @app.callback(
        Output("studies", "children"),
        Output("problems", "children"),
        Output("live", "data"),
        Input("tick", "n_intervals"),
        State("live", "data"),
    )
    def tick(_: int | None, known: Mapping[str, Any] | None) -> tuple[Any, ...]:
        """What is new since the last second."""
        glance, built = source.glance(), pages.built
        said = [layout.studies(glance), layout.problems(glance, pages.problem)]
        live = {
            "revision": built.revision if built else None,
            "workers": workers_html(glance, built.view) if built else "",
            "said": [repr(each) for each in said],
        }
        if live == known:
            raise PreventUpdate
        before = known["said"] if known else [None, None]
        new = [
            each if repr(each) != old else no_update for each, old in zip(said, before, strict=True)
        ]
        return (*new, live)

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("dse", "live"), Output("heard", "data"), Input("live", "data")
    )

    @app.callback(
        Output("networks", "columnDefs"),
        Input("live", "data"),
        State("networks", "columnDefs"),
    )
    def columns(_: Any, known: Sequence[Any]) -> Any:
        """The columns, when they are others."""
        built = pages.built
        found = table.of(built).definitions() if built else []
        return no_update if found == known else found

    @app.callback(
        Output("networks", "getRowsResponse"),
        Input("networks", "getRowsRequest"),
        State("filter", "data"),
    )
    def rows(asked: Mapping[str, Any] | None, text: str) -> Any:
        """The rows that come into view."""
        built = pages.built
        if asked is None or built is None:
            return {"rowData": [], "rowCount": 0}
        found, count = table.of(built).rows(
            Filter.parse(text),
            start=int(asked["startRow"]),
            end=int(asked["endRow"]),
            order=asked.get("sortModel") or (),
        )
        return {"rowData": found, "rowCount": count}


class _Table:
    """The table of the newest page."""

    def __init__(self) -> None:
        self._known: tuple[str, NetworkTable] | None = None

    def of(self, built: Built) -> NetworkTable:
        """That of a page, made once."""
        known = self._known
        if known is None or known[0] != built.revision:
            known = self._known = (built.revision, NetworkTable(built.view))
        return known[1]


def listen(server: Flask, host: str, port: int) -> Any:
    """A server of these requests that has its address already; its `run` ends with Ctrl-C.

    Raises:
        UserError: the address is taken, or is none of this machine.
    """
    try:
        return waitress.create_server(
            server,
            host=host,
            port=port,
            threads=THREADS,
            ident=None,
            max_request_body_size=MOST_BYTES,
            connection_limit=1000,
        )
    except (OSError, ValueError) as error:
        raise UserError(f"{host}:{port}: {_refusal(error)}.") from error


def _refusal(error: OSError | ValueError) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return "another program has this port: end it, or choose another one with --port"
    if number in (errno.EACCES, errno.EPERM):
        return "this port needs the rights of root: choose one above 1023 with --port"
    if number == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror | ValueError):
        return "is no address of this machine: choose another one with --host"
    return f"cannot be listened on ({error})"
