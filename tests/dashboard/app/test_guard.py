"""Who is let in, and what a browser may do with what it gets."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dse.dashboard.app.guard import make_guard
from dse.dashboard.view import StudyData
from dse.errors import UserError
from tests.dashboard.app.made import make_server

TOKEN = "a-token-of-twenty-one"
PATHS = ("/", "/network/x/1", "/_dse/page", "/_dash-layout", "/_dash-dependencies", "/_dse/alive")


@pytest.fixture
def open_app(study: StudyData) -> FlaskClient:
    return make_server(study)[0].test_client()


@pytest.fixture
def closed(study: StudyData) -> Flask:
    return make_server(study, token=TOKEN)[0]


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "127.0.0.1:8050", "[::1]:8050"])
def test_this_machine_is_answered(open_app: FlaskClient, name: str) -> None:
    assert open_app.get("/_dse/page", headers={"Host": name}).status_code == 200


@pytest.mark.parametrize("name", ["evil.example", "evil.example:8050", "127.0.0.1.evil.example"])
@pytest.mark.parametrize("path", PATHS)
def test_another_name_for_this_machine_is_refused(
    open_app: FlaskClient, name: str, path: str
) -> None:
    answer = open_app.get(path, headers={"Host": name})
    assert answer.status_code == 403
    assert "own machine" in answer.text


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("given", [None, "", "wrong", TOKEN[:-1], TOKEN + "x", "ü" * 21])
def test_nothing_is_shown_without_the_right_token(closed: Flask, path: str, given: str) -> None:
    query = {} if given is None else {"token": given}
    answer = closed.test_client().get(path, query_string=query)
    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers
    posted = closed.test_client().post("/_dash-update-component", json={}, query_string=query)
    assert posted.status_code == 401


def test_the_token_is_given_once_and_kept_where_no_script_and_no_other_site_has_it(
    closed: Flask,
) -> None:
    client = closed.test_client()
    answer = client.get("/", query_string={"token": TOKEN})
    assert answer.status_code == 200
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"dse_8050={TOKEN};")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert client.get("/_dse/page").status_code == 200
    assert client.get("/_dse/page", headers={"Host": "any.example"}).status_code == 401
    assert TOKEN not in answer.text


def test_an_address_that_others_reach_always_has_a_token() -> None:
    assert make_guard("127.0.0.1", 8050, None).token is None
    assert make_guard("::1", 8050, None).token is None
    assert make_guard("localhost", 8050, None).token is None
    made = [make_guard(host, 8050, None).token for host in ("0.0.0.0", "::", "10.0.0.5", "box")]
    assert all(token is not None and len(token) >= 40 for token in made)
    assert len(set(made)) == 4
    assert make_guard("127.0.0.1", 8050, TOKEN).token == TOKEN


@pytest.mark.parametrize("token", ["", "short", "with a space in it!!", "ümlaut-in-a-token-x"])
def test_a_token_that_can_be_guessed_or_not_be_sent_is_refused(token: str) -> None:
    with pytest.raises(UserError, match="--token: give at least 16 letters"):
        make_guard("0.0.0.0", 8050, token)


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_a_strict_policy(open_app: FlaskClient, path: str) -> None:
    headers = open_app.get(path).headers
    policy = dict(
        part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert re.fullmatch(r"'self'( 'sha256-[A-Za-z0-9+/=]+')+", policy["script-src"])
    assert policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "http" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_a_refusal_has_the_policy_too(closed: Flask) -> None:
    headers = closed.test_client().get("/").headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", PATHS)
def test_only_reading_is_allowed(open_app: FlaskClient, method: str, path: str) -> None:
    assert open_app.open(path, method=method).status_code == 405


def test_only_dash_may_be_posted_to_and_only_from_its_own_page(study: StudyData) -> None:
    server = make_server(study)[0]
    posts = {rule.rule for rule in server.url_map.iter_rules() if "POST" in (rule.methods or ())}
    assert posts == {"/_dash-update-component"}
    answer = server.test_client().post(
        "/_dash-update-component", json={}, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403


def test_nothing_is_loaded_from_elsewhere_and_no_tool_for_developers_is_there(
    open_app: FlaskClient,
) -> None:
    page = open_app.get("/").text
    loaded = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(loaded) > 8
    assert [address for address in loaded if not address.startswith(("/", "#"))] == []
    assert '"ui":false' in page
    assert '"hot_reload"' not in page
