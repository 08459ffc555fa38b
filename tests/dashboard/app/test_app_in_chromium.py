"""The app in a real browser, over real stores."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from dse.dashboard.app.guard import Guard
from dse.dashboard.app.pages import Pages
from dse.dashboard.app.server import listen, make_app
from dse.dashboard.app.source import Source
from dse.dashboard.app.value import app_value
from dse.dashboard.spec import load_dashboard
from dse.dashboard.view import StudyData
from dse.jobs.watching import WatchedStore, WatchedStores
from dse.store.store import Store
from tests.dashboard.app.made import MadeSource, renamed
from tests.filled import fill_survey
from tests.services import free_port
from tests.store.records import result

EVIL = '</script><script>alert(1)</script><img src="https://example.org/x" onerror="alert(2)">'


@contextmanager
def served(source: Source, *, token: str | None = None) -> Iterator[str]:
    """The address of an app that shows a source."""
    port = free_port()
    pages = Pages(source, lambda view: app_value(view, load_dashboard("live")))
    app = make_app(source, pages, Guard(token=token, port=port), title="dse")
    server = listen(app, "127.0.0.1", port)
    thread = threading.Thread(target=server.run, daemon=True)
    pages.start()
    thread.start()
    yield f"http://127.0.0.1:{port}"
    pages.stop()
    server.close()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill_survey(tmp_path_factory.mktemp("app") / "study.db", models=24, diverged=(3,))


@pytest.fixture(scope="module")
def app(finished: Path) -> Iterator[str]:
    """An app over a finished survey."""
    source = WatchedStores([WatchedStore(finished)])
    source.start()
    with served(source) as address:
        yield address
    source.stop()


class Visit:
    """One opened page and everything it complained about or asked for."""

    def __init__(
        self, browser: Any, address: str, *, width: int = 1280, scheme: str = "light"
    ) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, accept_downloads=True
        )
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda m: self.complaints.append(f"{m.type}: {m.text}"))
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.page.on("request", lambda r: self.requests.append(r.url))
        self.page.on("dialog", lambda d: self.complaints.append(f"dialog: {d.message}"))
        self.address = address
        self.page.goto(address)
        self.page.wait_for_selector(f"html[data-drawn={scheme}]", timeout=30_000)
        self.page.wait_for_selector("#page-slot #page", state="attached", timeout=30_000)

    def evaluate(self, script: str) -> Any:
        return self.page.evaluate(script)

    def told(self, words: str) -> None:
        """Wait until the panel of the selection says so."""
        self.page.wait_for_function(
            "words => document.querySelector('.told')?.textContent.includes(words)", arg=words
        )

    def rows(self) -> list[str]:
        """The numbers of the networks that the table shows, from the top."""
        self.page.locator("#networks-part").scroll_into_view_if_needed()
        return self.page.locator(".ag-row [col-id=index] a").all_inner_texts()

    def wait_for_rows(self, is_right: Callable[[list[str]], bool]) -> list[str]:
        end = time.monotonic() + 10
        while not (all(rows := self.rows()) and is_right(rows)):
            assert time.monotonic() < end, rows
            time.sleep(0.05)
        return rows

    def end(self) -> None:
        """Nothing was wrong, and nothing came from elsewhere."""
        assert self.complaints == []
        base = self.address.split("/", 3)
        own = ("/".join(base[:3]) + "/", "data:", "blob:")
        assert [url for url in self.requests if not url.startswith(own)] == []
        self.context.close()


def networks(path: Path) -> pd.DataFrame:
    with Store.open(path, read_only=True) as store:
        population = store.population()
    return population[population["replicate"] == 0].sort_values("error")


def test_a_page_is_brushed_filtered_and_cleared(browser: Any, app: str, finished: Path) -> None:
    visit = Visit(browser, app)
    assert "survey" in visit.page.inner_text("#studies")
    first = networks(finished)
    best = [str(index) for index in first["index"][:5]]
    assert visit.wait_for_rows(lambda rows: rows[:5] == best)

    plot = visit.page.locator("#plot-edf .nsewdrag")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    visit.page.mouse.move(box["x"] + 2, y)
    visit.page.mouse.down()
    visit.page.mouse.move(box["x"] + box["width"] * 0.5, y + 20, steps=5)
    visit.page.mouse.up()
    visit.told("networks selected")
    (high,) = visit.evaluate("[[...dse.page.filter.get('error')][1]]")
    chosen = first[first["error"] <= high]
    assert 0 < len(chosen) < len(first)
    visit.told(f"{len(chosen)} of {len(first)} networks selected")
    assert visit.wait_for_rows(lambda rows: len(rows) == len(chosen)) == [
        str(index) for index in chosen["index"]
    ]
    legend = "document.querySelector('#plot-edf .legend').textContent"
    visit.page.wait_for_function(f"() => {legend}.includes('selected, n = {len(chosen)}')")
    assert f"error=..{high}" in visit.page.url

    again = Visit(browser, visit.page.url)
    again.told(f"{len(chosen)} of {len(first)} networks selected")
    again.wait_for_rows(lambda rows: len(rows) == len(chosen))
    again.page.locator("#selection .chip").click()
    again.told("No selection")
    again.wait_for_rows(lambda rows: len(rows) > len(chosen))
    again.end()
    visit.end()


def test_the_table_sorts_by_its_headings(browser: Any, app: str, finished: Path) -> None:
    visit = Visit(browser, app)
    visit.wait_for_rows(lambda rows: len(rows) > 5)
    visit.page.locator(".ag-header-cell[col-id=index]").click()
    visit.wait_for_rows(lambda rows: rows[:4] == ["0", "1", "2", "3"])
    visit.page.locator(".ag-header-cell[col-id=index]").click()
    visit.wait_for_rows(lambda rows: rows[:3] == ["23", "22", "21"])
    visit.end()


def test_a_selection_is_saved_as_csv_and_as_a_space(
    browser: Any, app: str, finished: Path, tmp_path: Path
) -> None:
    visit = Visit(browser, f"{app}/#arch.stem=patch")
    visit.told("networks selected")
    saved = {}
    for words in ("Save as CSV", "Save as space (YAML)"):
        with visit.page.expect_download() as event:
            visit.page.get_by_role("link", name=words).click()
        saved[words] = tmp_path / event.value.suggested_filename
        event.value.save_as(saved[words])
    table = pd.read_csv(saved["Save as CSV"])
    first = networks(finished)
    assert set(table["index"]) == set(first.loc[first["arch.stem"] == "patch", "index"])
    space = yaml.safe_load(saved["Save as space (YAML)"].read_text())
    assert "stem" in space["parameters"]
    visit.end()


def test_a_network_has_a_page_of_its_own(browser: Any, app: str, tmp_path: Path) -> None:
    visit = Visit(browser, f"{app}/#error=..0.9")
    name = visit.wait_for_rows(lambda rows: len(rows) > 3)[0]
    visit.page.locator(".ag-row [col-id=index] a").first.click()
    visit.page.wait_for_selector("#layers")
    assert visit.page.url.split("#")[0].endswith(f"/network/convnext-4.5GFLOPs/{name}")
    assert visit.page.inner_text("#page-head h2") == f"Network {name}"
    visit.page.wait_for_selector("#plot-trainings-curves .main-svg", state="attached")
    visit.page.wait_for_selector("#plot-architecture .main-svg", state="attached")
    assert f"--id {name}" in visit.page.inner_text("#export code")
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit.page.get_by_role("button", name="Copy").click()
    visit.page.wait_for_selector("text=Copied")
    copied = visit.evaluate("navigator.clipboard.readText()")
    assert copied == visit.page.inner_text("#export code")
    with visit.page.expect_download() as event:
        visit.page.get_by_text("Save the architecture").click()
    event.value.save_as(tmp_path / "network.yaml")
    assert "architecture" in yaml.safe_load((tmp_path / "network.yaml").read_text())
    visit.page.go_back()
    visit.told("networks selected")
    visit.wait_for_rows(lambda rows: rows[:1] == [name])
    direct = Visit(browser, f"{app}/network/convnext-4.5GFLOPs/{name}")
    assert direct.page.inner_text("#page-head h2") == f"Network {name}"
    direct.page.get_by_text("All networks").click()
    direct.told("No selection")
    direct.wait_for_rows(lambda rows: len(rows) > 3)
    direct.end()
    visit.end()


def test_an_unknown_network_is_a_sentence(browser: Any, app: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{app}/network/convnext-4.5GFLOPs/999")
    page.wait_for_selector("text=has no network '999'")
    context.close()


def test_the_theme_follows_the_system_until_one_is_chosen(browser: Any, app: str) -> None:
    visit = Visit(browser, app, scheme="dark")
    background = (
        "document.querySelector('#plot-edf .main-svg') && "
        "getComputedStyle(document.querySelector('#plot-edf .main-svg')).backgroundColor"
    )
    grid = "getComputedStyle(document.querySelector('.ag-root-wrapper')).backgroundColor"
    visit.page.locator("#plot-edf").scroll_into_view_if_needed()
    visit.page.wait_for_function(f"() => ({background}) === 'rgb(23, 28, 36)'")
    visit.wait_for_rows(lambda rows: len(rows) > 3)
    visit.page.wait_for_function(f"() => ({grid}) === 'rgb(23, 28, 36)'")
    visit.page.select_option("#theme", "light")
    visit.page.wait_for_function(f"() => ({background}) === 'rgb(255, 255, 255)'")
    visit.page.wait_for_function(f"() => ({grid}) === 'rgb(255, 255, 255)'")
    visit.page.reload()
    visit.page.wait_for_selector("html[data-drawn=light]")
    assert visit.page.eval_on_selector("#theme", "select => select.value") == "light"
    visit.end()


@pytest.mark.parametrize("path", ["/", "/network/convnext-4.5GFLOPs/1"])
def test_nothing_is_wider_than_a_narrow_window(browser: Any, app: str, path: str) -> None:
    visit = Visit(browser, app + path, width=420)
    assert visit.evaluate("document.documentElement.scrollWidth") <= 420
    visit.end()


def test_what_is_stored_while_the_page_is_open_appears_within_three_seconds(
    browser: Any, tmp_path: Path
) -> None:
    path = fill_survey(tmp_path / "running.db", models=12, ended=8)
    source = WatchedStores([WatchedStore(path)])
    source.start()
    with served(source) as address:
        visit = Visit(browser, f"{address}/#error=..0.2")
        visit.told("of 8 networks selected")
        visit.page.wait_for_selector("#studies li")
        with Store.open(path) as store:
            claim = store.claim("browser-test")
            assert claim is not None
            began = time.monotonic()
            store.complete(claim, result(0.111))
        words = f"network {claim.index} 11.1 %"
        visit.page.wait_for_function(
            "words => document.getElementById('studies').textContent.includes(words)", arg=words
        )
        appeared = time.monotonic() - began
        visit.told("1 of 9 networks selected")  # the selection stays
        drawn = time.monotonic() - began
        visit.wait_for_rows(lambda rows: rows == [str(claim.index)])
        assert appeared < 3
        assert drawn < 6
        with Store.open(path) as store:
            assert store.claim("worker-7") is not None
            visit.page.wait_for_selector("#workers >> text=worker-7", timeout=5000)
        away = path.rename(tmp_path / "away.db")
        visit.page.wait_for_selector("#problems >> text=not readable since", timeout=10_000)
        assert visit.page.locator("#plot-edf .main-svg").count()
        away.rename(path)
        visit.page.wait_for_selector("#problems p", state="detached", timeout=10_000)
        visit.end()
    source.stop()


def test_searches_are_told_apart_and_names_are_text(browser: Any, study: StudyData) -> None:
    population = study.population
    population.loc[population["arch.stem"] == "patch", "arch.stem"] = EVIL
    search = renamed(study, EVIL, kind="search", summary=None, title=EVIL, store=EVIL)
    source = MadeSource(study, search)
    source.problems = (EVIL,)
    with served(source) as address:
        visit = Visit(browser, address)
        visit.wait_for_rows(lambda rows: len(rows) > 5)
        said = visit.page.inner_text("#studies")
        assert "survey" in said
        assert "search: chosen networks, no sample" in said
        assert EVIL in said
        assert EVIL in visit.page.inner_text("#problems")
        visit.page.evaluate("name => dse.page.select(new Map([['study', [name]]]))", EVIL)
        visit.told(f"{len(study.networks)} of {2 * len(study.networks)}")
        visit.wait_for_rows(lambda rows: len(rows) > 5)
        visit.page.locator(".ag-row [col-id=index] a").first.click()
        visit.page.wait_for_selector("#values")
        assert EVIL in visit.page.inner_text("#page-head")
        assert visit.page.locator("img").count() == 0
        visit.end()


def test_whoever_has_the_address_with_its_token_is_let_in(browser: Any, study: StudyData) -> None:
    token = "a-token-of-twenty-one"
    with served(MadeSource(study), token=token) as address:
        context = browser.new_context()
        page = context.new_page()
        page.goto(address)
        assert "dse serve" in page.inner_text("body")
        context.close()
        visit = Visit(browser, f"{address}/?token={token}#error=..0.5")
        assert "token" not in visit.page.url
        assert visit.page.url.endswith("#error=..0.5")
        visit.wait_for_rows(lambda rows: len(rows) > 3)
        assert visit.evaluate("document.cookie") == ""
        visit.page.reload()
        visit.told("networks selected")
        visit.end()


def test_a_page_says_when_the_app_has_ended(browser: Any, study: StudyData) -> None:
    with served(MadeSource(study)) as address:
        visit = Visit(browser, address)
        assert visit.page.locator("#gone").is_hidden()
        visit.page.route("**/_dse/alive", lambda route: route.abort())
        visit.page.wait_for_selector("#gone", state="visible", timeout=10_000)
        visit.page.unroute("**/_dse/alive")
        visit.page.wait_for_selector("#gone", state="hidden", timeout=10_000)
        visit.context.close()
