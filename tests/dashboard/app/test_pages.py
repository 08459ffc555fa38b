"""How pages are made and sent."""

from __future__ import annotations

import gzip
import json
import re
import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from dse.dashboard.app.pages import Pages
from dse.dashboard.app.value import workers_html
from dse.dashboard.view import StudyData, View
from dse.errors import UserError
from tests.dashboard.app.made import STATUS, MadeSource, make_pages, make_server, renamed


def test_a_page_is_made_once_for_each_revision(study: StudyData) -> None:
    source = MadeSource(study)
    made: list[int] = []

    def make(view: View) -> tuple[dict[str, Any], View]:
        made.append(source.revision)
        return {"title": "x"}, view

    pages = Pages(source, make)
    assert pages.built is None
    pages.build()
    pages.build()
    assert made == [1]
    source.revision = 2
    pages.build()
    assert made == [1, 2]
    assert pages.built is not None
    assert json.loads(pages.built.packed.content) == {"title": "x", "revision": "2"}


def test_a_page_that_cannot_be_drawn_leaves_the_last_one_and_says_so(study: StudyData) -> None:
    source = MadeSource(study)
    errors: list[Exception] = []

    def make(view: View) -> tuple[dict[str, Any], View]:
        if errors:
            raise errors[0]
        return {}, view

    pages = Pages(source, make)
    pages.build()
    errors.append(ValueError("no <b>such</b> column"))
    source.revision = 2
    pages.build()
    assert pages.built is not None
    assert pages.built.revision == "1"
    assert "cannot be drawn (ValueError: no <b>such</b> column)" in str(pages.problem)
    errors[0] = UserError("dashboard: studies: there is no study 'x'.")
    source.revision = 3
    pages.build()
    assert pages.problem == "dashboard: studies: there is no study 'x'."
    errors.clear()
    source.revision = 4
    pages.build()
    assert pages.problem is None
    assert pages.built.revision == "4"


def test_pages_are_made_while_nobody_waits(study: StudyData) -> None:
    source, slow = MadeSource(study), threading.Event()

    def make(view: View) -> tuple[dict[str, Any], View]:
        slow.wait(10)
        return {}, view

    pages = Pages(source, make)
    pages.start()
    began = time.monotonic()
    assert pages.built is None
    assert time.monotonic() - began < 0.5
    slow.set()
    while pages.built is None:
        assert time.monotonic() - began < 10
        time.sleep(0.01)
    pages.stop()


def test_the_page_is_sent_compressed_and_only_when_it_is_new(study: StudyData) -> None:
    server, pages = make_server(study)
    client = server.test_client()
    first = client.get("/_dse/page", headers={"Accept-Encoding": "gzip, br"})
    assert first.headers["Content-Encoding"] == "gzip"
    value = json.loads(gzip.decompress(first.data))
    assert value["studies"][0]["networks"] == len(study.networks)
    again = client.get("/_dse/page", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.data == b""
    plain = client.get("/_dse/page")
    assert "Content-Encoding" not in plain.headers
    assert plain.json == value
    other = client.get("/_dse/page", headers={"If-None-Match": '"another"'})
    assert other.status_code == 200
    assert pages.built is not None


def test_before_the_first_page_is_made_browsers_are_told_to_come_again(study: StudyData) -> None:
    from dse.dashboard.app.guard import Guard
    from dse.dashboard.app.server import make_app

    source = MadeSource(study)
    pages = Pages(source, lambda view: ({}, view))
    client = make_app(source, pages, Guard(token=None, port=1), title="dse").test_client()
    assert client.get("/_dse/page").status_code == 202
    assert client.get("/").status_code == 200


def test_workers_are_shown_whatever_the_dashboard_says(study: StudyData) -> None:
    running = replace(study, status=STATUS)
    built = make_pages(MadeSource(running), "compare").built
    assert built is not None
    value = json.loads(built.packed.content)
    assert '<section id="workers"' in value["sections"]


def test_workers_stand_under_their_studies_and_a_survey_is_called_none_but_one(
    study: StudyData,
) -> None:
    search = renamed(study, "found", kind="search", summary=None)
    source = MadeSource(study, search)
    html = workers_html(source.glance(), source.view()[1])
    headings = re.findall("<h3>(.*?)</h3>", html)
    assert headings == [study.name, "found (search, no sample)"]
    assert "1 worker at work" in html
    assert "the loss became NaN" in html
    assert workers_html(source.glance(), View(studies=(search,))).count("<h3>") == 0


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("select?filter=error", "is no condition"),
        ("select?filter=error%3D5..1", "lower end"),
        ("selection.csv?filter=%25", "percent-encoded"),
        ("network?study=other&index=1", "no study 'other' here"),
        ("network?index=1", "no study '' here"),
        ("network?study=STUDY&index=999", "no network '999'"),
        ("network?study=STUDY&index=-1", "no network '-1'"),
        ("network.yaml?study=STUDY&index=%3Cb%3E", "no network '<b>'"),
        ("selection.yaml?study=STUDY&filter=", "space is not known"),
    ],
)
def test_a_mistyped_address_is_a_sentence(study: StudyData, path: str, sentence: str) -> None:
    client = make_server(study)[0].test_client()
    answer = client.get(f"/_dse/{path.replace('STUDY', study.name)}")
    assert answer.status_code == 400
    assert answer.mimetype == "text/plain"
    assert sentence in answer.text
