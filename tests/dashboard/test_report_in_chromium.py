"""The report in a real browser, opened from the disk."""

from __future__ import annotations

import importlib.util
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dashboard.conftest import rendered
from tests.services import require

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    require(importlib.util.find_spec("playwright") is not None, "the playwright package")
    require(CHROMIUM is not None, "Chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


class Visit:
    """One opened page and everything it complained about or asked for.

    With `whole`, figures that are out of view are drawn too.
    """

    def __init__(
        self,
        browser,
        path: Path,
        *,
        width: int = 1280,
        scheme: str = "light",
        fragment: str = "",
        whole: bool = True,
    ) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme
        )
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda m: self.complaints.append(f"{m.type}: {m.text}"))
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.page.on("request", lambda r: self.requests.append(r.url))
        self.page.on("dialog", lambda d: self.complaints.append(f"dialog: {d.message}"))
        self.page.goto(path.as_uri() + fragment)
        self.page.wait_for_selector(f"html[data-drawn={scheme}]", timeout=60_000)
        if whole:
            self.evaluate("dse.figures.all()")

    def evaluate(self, script: str):
        return self.page.evaluate(script)

    def see(self, place: str) -> None:
        """Scroll there and wait until it is drawn, if it is a figure."""
        self.evaluate(f"document.querySelector('{place}').scrollIntoView({{block: 'center'}})")
        if place.startswith("#plot"):
            self.page.wait_for_selector(f"{place} .nsewdrag", state="attached")
        self.page.wait_for_timeout(150)

    def until(self, condition: str, seconds: float = 20) -> None:
        """Wait until the condition holds; Playwright's own way is against the page's policy."""
        end = time.monotonic() + seconds
        while not self.evaluate(condition):
            assert time.monotonic() < end, f"never: {condition}"
            self.page.wait_for_timeout(20)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (420, "light")])
def test_report_draws_every_figure_without_error_or_request(browser, report_path, width, scheme):
    visit = Visit(browser, report_path, width=width, scheme=scheme)
    drawn = visit.evaluate(
        "[...document.querySelectorAll('.plot')].map(p => p.querySelectorAll('.main-svg').length)"
    )
    assert len(drawn) > 20
    assert min(drawn) >= 1
    assert visit.evaluate("document.querySelectorAll('#plot-edf .scatterlayer path').length") >= 2
    assert visit.evaluate("document.querySelectorAll('#plot-drawings-Best .point').length") >= 5
    assert visit.complaints == []
    assert [u for u in visit.requests if not u.startswith(("file:", "data:", "blob:"))] == []
    visit.context.close()


def test_nothing_is_wider_than_a_narrow_window(browser, report_path):
    visit = Visit(browser, report_path, width=420)
    assert visit.evaluate("document.documentElement.scrollWidth") <= 420
    wide = visit.evaluate(
        "[...document.querySelectorAll('.plot .main-svg')]"
        ".filter(s => s.getBoundingClientRect().right > innerWidth).length"
    )
    assert wide == 0
    visit.context.close()


def test_dark_mode_follows_the_system_while_the_page_is_open(browser, report_path):
    visit = Visit(browser, report_path, whole=False)
    visit.see("#plot-edf")
    background = "getComputedStyle(document.querySelector('#plot-edf .main-svg')).backgroundColor"
    assert visit.evaluate(background) == "rgb(255, 255, 255)"
    visit.page.emulate_media(color_scheme="dark")
    visit.page.wait_for_selector("html[data-drawn=dark]")
    assert visit.evaluate(background) == "rgb(23, 28, 36)"
    visit.context.close()


def test_labels_neither_overlap_nor_leave_their_panel(browser, report_path):
    visit = Visit(browser, report_path)
    overlaps = visit.evaluate(
        """[...document.querySelectorAll('.plot')].flatMap(plot => {
          const frame = plot.getBoundingClientRect();
          const boxes = [...plot.querySelectorAll('.xtick text, .ytick text, .annotation-text')]
            .map(t => [t.textContent, t.getBoundingClientRect()]).filter(([, b]) => b.width > 0);
          const out = boxes.filter(([, b]) => b.left < frame.left - 1 || b.right > frame.right + 1
            || b.top < frame.top - 1 || b.bottom > frame.bottom + 1);
          const crossing = boxes.filter(([, a], i) => boxes.slice(0, i).some(([, b]) =>
            a.left < b.right - 1 && b.left < a.right - 1
            && a.top < b.bottom - 1 && b.top < a.bottom - 1));
          return [...out, ...crossing].map(([text]) => plot.id + ': ' + text);
        })"""
    )
    assert overlaps == []
    assert visit.evaluate("document.querySelectorAll('.plot .xtick text').length") > 50
    visit.context.close()


def test_figures_can_be_saved_as_png_and_svg(browser, report_path):
    visit = Visit(browser, report_path, whole=False)
    visit.see("#plot-edf")
    for kind in ("png", "svg+xml"):
        saved = visit.evaluate(
            f"Plotly.toImage('plot-edf', {{format: '{kind[:3]}', width: 600, height: 400}})"
        )
        assert saved.startswith(f"data:image/{kind}")
        assert len(saved) > 5_000
    assert visit.complaints == []
    visit.context.close()


def test_scripts_in_names_do_not_run(browser, tmp_path, population):
    evil = '</script><script>alert(1)</script><img src="https://example.org/x" onerror="alert(2)">'
    population["study"] = evil
    population.loc[population["arch.stem"] == "patch", "arch.stem"] = evil
    path = tmp_path / "evil.html"
    path.write_text(rendered(population, title=evil, space=evil), encoding="utf-8")
    visit = Visit(browser, path)
    assert evil in visit.page.inner_text("h1")
    assert visit.complaints == []
    assert all(url.startswith("file:") for url in visit.requests)
    visit.context.close()


def test_report_prints_light_from_a_dark_screen(browser, report_path, tmp_path):
    visit = Visit(browser, report_path, scheme="dark", whole=False)
    visit.evaluate("dispatchEvent(new Event('beforeprint'))")
    background = "getComputedStyle(document.querySelector('#plot-edf .main-svg')).backgroundColor"
    visit.until(f"{background} === 'rgb(255, 255, 255)'")
    visit.page.pdf(path=tmp_path / "report.pdf", format="A4")
    assert (tmp_path / "report.pdf").stat().st_size > 50_000
    assert visit.complaints == []
    visit.context.close()
