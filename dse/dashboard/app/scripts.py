"""The app's own scripts and styles, and the document that loads them."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Final

from flask import Flask, Response
from plotly.offline import get_plotlyjs

from dse.dashboard.app.pages import Packed
from dse.dashboard.app.routes import PREFIX, send
from dse.dashboard.page import script

FOREVER: Final = "public, max-age=31536000, immutable"
KINDS: Final = {"js": "text/javascript", "css": "text/css"}
DOCUMENT: Final = """<!DOCTYPE html>
<html lang="en">
<head>
{%metas%}
<meta name="color-scheme" content="light dark">
<title>{%title%}</title>
<link rel="stylesheet" href="PAGE">
<script src="EARLY"></script>
{%favicon%}
{%css%}
</head>
<body>
<a class="skip" href="#page">Skip to the figures</a>
{%app_entry%}
<p id="gone" class="problem" role="alert" hidden>
The app does not answer: what is shown may be old.</p>
<div id="page-whole">
<div id="page-head"></div>
<main id="page" tabindex="-1" aria-busy="true"><p class="note">The page is being made.</p></main>
</div>
<noscript><p>The page needs JavaScript; nothing is loaded from anywhere else.</p></noscript>
{%config%}
<template id="dash">{%scripts%}{%renderer%}</template>
<script src="PLOTLY"></script>
<script src="ENGINE"></script>
</body>
</html>
"""


@cache
def parts() -> dict[str, Packed]:
    """Every file by its name, compressed."""
    own = resources.files("dse.dashboard")

    def read(*names: str) -> str:
        return "\n".join(own.joinpath(name).read_text(encoding="utf-8") for name in names)

    whole = {
        "page.css": read("report.css", "assets/engine.css", "app/app.css"),
        "early.js": read("app/early.js"),
        "plotly.js": get_plotlyjs(),
        "engine.js": f"{script()}\n{read('app/app.js')}",
    }
    return {name: Packed.of(content.encode()) for name, content in whole.items()}


def document() -> str:
    """The document that Dash fills; what it loads is named after its content."""
    page = DOCUMENT
    for name, packed in parts().items():
        word = name.partition(".")[0].upper()
        page = page.replace(f'"{word}"', f'"{PREFIX}/{name}?{packed.etag}"')
    return page


def add_scripts(server: Flask) -> None:
    """Let `server` send them."""

    def respond(name: str) -> Response:
        return send(parts()[name], KINDS[name.rpartition(".")[2]], keep=FOREVER)

    for name in parts():
        server.add_url_rule(
            f"{PREFIX}/{name}", name, respond, defaults={"name": name}, methods=["GET"]
        )
