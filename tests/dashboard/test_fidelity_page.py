from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dse.analysis.fidelity import Fidelity, fidelity
from dse.analysis.fidelity_text import fidelity_sentences
from dse.dashboard.fidelity_page import render_fidelity, scatter_figure, write_fidelity_page
from tests.dashboard.conftest import value_of, without_plotly
from tests.dashboard.test_report import Elements
from tests.dashboard.visit import Visit
from tests.population import make_population

EVIL = "</script><script>alert(1)</script>"
SHOWN = {
    "title": "Fidelity",
    "names": ("cheap", EVIL),
    "changed": {"epochs": (4, 12), "train_images": (None, EVIL)},
    "provenance": {"seed": 0},
}


def compared(**options) -> Fidelity:
    cheap, dear = make_population(), make_population(**options)
    dear["error"] = (dear["error"] * 0.6 + 0.01 * np.sin(dear["index"])).round(4)
    return fidelity(cheap, dear, random_subsets=(6, 6), draws=200)


@pytest.fixture(scope="module")
def found() -> Fidelity:
    return compared(diverged=(5,))


@pytest.fixture(scope="module")
def page(found: Fidelity) -> str:
    return without_plotly(render_fidelity(found, fidelity_sentences(found), **SHOWN))


def test_the_page_refers_to_nothing_outside_itself_and_shows_names_as_text(page):
    elements = Elements(page).found
    for _, attributes in elements:
        for name in ("src", "href", "action", "data"):
            assert (attributes.get(name) or "#").startswith("#")
    assert [tag for tag, _ in elements].count("script") == 3
    assert "default-src 'none'" in page


def test_the_page_shows_every_number_with_interval_and_n(found, page):
    for shown in ("Kendall&#x27;s τ-b", f"{found.tau.value:.2f}", "n = 24", "Regret", "epochs"):
        assert shown in page, shown
    assert list(value_of(page)["figures"]) == ["plot-scatter"]


def test_every_network_is_a_point_or_a_cross(found):
    figure = scatter_figure(found)
    points = [trace for trace in figure.data if trace.mode == "markers"]
    assert sum(len(trace.x) for trace in points) == 24
    (bad,) = [trace for trace in points if trace.name == "ended badly"]
    alone, both = sorted(bad.customdata)
    assert alone.startswith("17: ended badly under the cheap one, dear ")
    assert both == "5: ended badly under the cheap one, ended badly under the dear one"
    assert points[0].error_x.value > 0
    assert points[0].error_y.value > 0


def test_networks_without_any_error_are_still_a_page():
    everyone = tuple(range(24))
    rows = make_population(diverged=everyone)
    found = fidelity(rows, rows, draws=50)
    assert "cannot be told" in render_fidelity(found, fidelity_sentences(found), **SHOWN)
    nobody = fidelity(rows[:0], rows[:0], draws=50)
    assert "0 networks" in render_fidelity(nobody, fidelity_sentences(nobody), **SHOWN)


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (420, "dark")])
def test_the_page_draws_in_a_browser_without_error_or_request(
    browser,
    found,
    tmp_path: Path,
    width: int,
    scheme: str,
):
    path = write_fidelity_page(found, fidelity_sentences(found), path=tmp_path / "f.html", **SHOWN)
    visit = Visit(browser, path, width=width, scheme=scheme)
    assert visit.evaluate("document.querySelectorAll('.plot .main-svg').length") >= 1
    assert visit.evaluate("document.documentElement.scrollWidth") <= width
    assert visit.complaints == []
    assert [u for u in visit.requests if not u.startswith(("file:", "data:", "blob:"))] == []
    visit.context.close()
