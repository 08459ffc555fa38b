"""The report in a real browser, opened from the disk."""

from __future__ import annotations

import pytest

from tests.dashboard.conftest import rendered
from tests.dashboard.visit import Visit


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
