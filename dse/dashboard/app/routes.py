"""What the page asks for beside Dash: its value, answers to selections, files to save."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request

from dse.dashboard.app.grid import csv
from dse.dashboard.app.network import architecture_yaml, network_value, trainings
from dse.dashboard.app.pages import Built, Packed, Pages
from dse.dashboard.app.selection import Answers
from dse.dashboard.filters import Filter
from dse.dashboard.restriction import restriction_yaml
from dse.dashboard.view import StudyData
from dse.errors import UserError

PREFIX = "/_dse"


def add_routes(server: Flask, pages: Pages) -> None:
    """Let `server` answer them. All are GET requests, and none waits for a store."""
    answers = Answers()

    def route(path: str, answer: Callable[[Built], Response]) -> None:
        def respond() -> Response:
            built = pages.built
            if built is None:
                return _plain("The page is being made; ask again.", 202)
            try:
                return answer(built)
            except UserError as error:
                return _plain(str(error), 400)

        server.add_url_rule(f"{PREFIX}/{path}", endpoint=path, view_func=respond, methods=["GET"])

    @server.get(f"{PREFIX}/alive")
    def alive() -> Response:
        return Response(status=204)

    def select(built: Built) -> Response:
        return _json(answers.answer(built.revision, built.view, wanted_filter()))

    def network(built: Built) -> Response:
        study, index = _network(built)
        value = network_value(built.view, study, index) | {"revision": built.revision}
        return send(Packed.of(json.dumps(value, allow_nan=False).encode()), "application/json")

    route("page", lambda built: send(built.packed, "application/json"))
    route("select", select)
    route("network", network)
    route("selection.csv", lambda built: _file(csv(built.view, wanted_filter()), "text/csv"))
    route("selection.yaml", lambda built: _file(_space(built), "application/yaml"))
    route(
        "network.yaml",
        lambda built: _file(architecture_yaml(*_network(built)), "application/yaml"),
    )


def wanted_filter() -> Filter:
    """The filter of a request; raises `UserError` if it says none."""
    return Filter.parse(request.args.get("filter", ""))


def send(packed: Packed, kind: str, *, keep: str = "no-cache") -> Response:
    """Something packed, or only that it is what the browser has already.

    Args:
        packed: what is sent.
        kind: its media type.
        keep: how long browsers may use it without asking (`Cache-Control`).
    """
    etag = f'"{packed.etag}"'
    headers = {"ETag": etag, "Cache-Control": keep, "Vary": "Accept-Encoding"}
    if etag in request.headers.get("If-None-Match", ""):
        return Response(status=304, headers=headers)
    if "gzip" not in request.headers.get("Accept-Encoding", ""):
        return Response(packed.content, mimetype=kind, headers=headers)
    headers["Content-Encoding"] = "gzip"
    return Response(packed.body, mimetype=kind, headers=headers)


def _study(built: Built) -> StudyData:
    name = request.args.get("study", "")
    found = next((study for study in built.view.studies if study.name == name), None)
    if found is None:
        names = ", ".join(repr(study.name) for study in built.view.studies)
        raise UserError(f"There is no study {name!r} here; there is: {names}.")
    return found


def _network(built: Built) -> tuple[StudyData, int]:
    study, number = _study(built), request.args.get("index", "")
    if not number.isdecimal() or trainings(study, int(number)).empty:
        raise UserError(f"{study.name}: has no network {number!r}.")
    return study, int(number)


def _space(built: Built) -> str:
    study = _study(built)
    if study.space is None:
        raise UserError(f"{study.name}: its design space is not known.")
    return restriction_yaml(wanted_filter(), study.space)


def _json(value: Any) -> Response:
    return Response(json.dumps(value, allow_nan=False), mimetype="application/json")


def _plain(sentence: str, status: int) -> Response:
    return Response(f"{sentence}\n", status=status, mimetype="text/plain")


def _file(content: str, kind: str) -> Response:
    return Response(content, mimetype=kind)
