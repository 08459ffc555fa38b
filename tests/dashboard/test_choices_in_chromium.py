"""Selecting by choices on heat maps and parallel coordinates, with a real mouse."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from dse.dashboard.report import render
from dse.dashboard.spec import Dashboard
from dse.dashboard.view import View
from tests.dashboard.conftest import make_study
from tests.dashboard.visit import Visit
from tests.population import make_population

PANELS = ("heat_maps", "parallel", "selection")
FILTER = "JSON.stringify(Object.fromEntries(dse.page.filter))"
LINES = "[...document.querySelectorAll('#plot-parallel .lines')]"


@pytest.fixture(scope="module")
def population():
    return make_population(120)


@pytest.fixture(scope="module")
def report(tmp_path_factory, population) -> Path:
    path = tmp_path_factory.mktemp("choices") / "report.html"
    view = View(studies=(make_study(population),))
    path.write_text(
        render(view, dashboard=Dashboard.model_validate({"panels": list(PANELS)})),
        encoding="utf-8",
    )
    return path


@pytest.fixture(scope="module")
def opened(browser, report):
    found = Visit(browser, report)
    yield found
    found.context.close()


@pytest.fixture
def visit(opened):
    yield opened
    opened.evaluate("dse.page.select(new Map())")
    assert opened.complaints == []


def wait(visit, condition: str) -> None:
    """Until `condition` holds; the page's policy refuses what Playwright has for this."""
    deadline = time.monotonic() + 10
    while not visit.evaluate(condition):
        assert time.monotonic() < deadline, condition
        visit.page.wait_for_timeout(20)


def drag(visit, plot: str, x: tuple[float, float], y: tuple[float, float]) -> None:
    """Draw a box from one place to another, in the units of the figure's axes."""
    visit.page.locator(f"#{plot}").scroll_into_view_if_needed()
    visit.page.wait_for_selector(f"#{plot} .scatterlayer")
    corners = visit.evaluate(
        f"""(() => {{
          const plot = document.getElementById("{plot}");
          const {{ xaxis, yaxis }} = plot._fullLayout;
          const top = () => plot.getBoundingClientRect().top + yaxis._offset;
          scrollBy(0, top() + yaxis.l2p({y[0]}) - innerHeight / 2);
          const left = plot.getBoundingClientRect().left + xaxis._offset;
          return [[{x[0]}, {y[0]}], [{x[1]}, {y[1]}]].map(
            ([x, y]) => [left + xaxis.l2p(x), top() + yaxis.l2p(y)]);
        }})()"""
    )
    visit.page.mouse.move(*corners[0])
    visit.page.mouse.down()
    visit.page.mouse.move(*corners[1], steps=4)
    visit.page.mouse.up()
    wait(visit, "dse.page.isFiltered()")


def selected(visit) -> int:
    return visit.evaluate("dse.page.selected()")


def first(population):
    return population[population["replicate"] == 0]


def test_a_box_over_the_levels_of_a_row_selects_these(visit, population):
    names = visit.evaluate(
        "dse.page.value.figures['plot-parallel'].layout.meta.brush.rows.map((a) => a.column)"
    )
    row = names.index("arch.norm_layer")
    drag(visit, "plot-parallel", (0.02, 0.48), (row + 0.1, row + 0.3))
    assert visit.evaluate(FILTER) == '{"arch.norm_layer":["batch_norm"]}'
    assert selected(visit) == (first(population)["arch.norm_layer"] == "batch_norm").sum()


def test_a_box_over_numbers_of_a_row_selects_their_range(visit, population):
    rows = "dse.page.value.figures['plot-parallel'].layout.meta.brush.rows"
    count = visit.evaluate(f"{rows}.length")
    drag(visit, "plot-parallel", (-0.01, 0.5), (count - 1 + 0.1, count - 1 + 0.3))
    low, high = visit.evaluate("dse.page.filter.get('error')")
    errors = first(population)["error"]
    middle = (errors.min() + errors.max()) / 2
    assert low is None
    assert high == pytest.approx(middle, abs=0.02 * (errors.max() - errors.min()))
    assert selected(visit) == (errors <= high).sum()


def test_lines_that_are_not_selected_fade_until_the_selection_is_cleared(visit, population):
    drag(visit, "plot-parallel", (0.02, 0.48), (0.1, 0.3))
    assert set(visit.evaluate(f"{LINES}.map((line) => line.style.opacity)")) == {"0.08"}
    pieces = visit.evaluate(
        "[...document.querySelectorAll('#plot-parallel .selected-lines')]"
        ".reduce((sum, line) => sum + line.getAttribute('d').split('M').length - 1, 0)"
    )
    rows = visit.evaluate("dse.page.value.figures['plot-parallel'].layout.meta.brush.rows.length")
    assert pieces == selected(visit) * (rows - 1)
    visit.evaluate("dse.page.select(new Map())")
    wait(visit, "!document.querySelector('#plot-parallel .selected-lines')")
    assert set(visit.evaluate(f"{LINES}.map((line) => line.style.opacity)")) == {""}


def test_a_box_on_a_heat_map_selects_by_both_parameters(visit, population):
    plot, brush = visit.evaluate(
        "Object.entries(dse.page.value.figures).map(([id, f]) => [id, f.layout.meta?.brush])"
        ".find(([, brush]) => brush?.x?.levels && brush?.y?.levels)"
    )
    x, y = brush["x"], brush["y"]
    drag(visit, plot, (-0.3, 0.3), (-0.3, len(y["levels"]) - 1.6))
    rows = first(population)
    kept = rows[x["column"]].astype(str).isin(x["levels"][:1])
    kept &= (
        rows[y["column"]]
        .map(lambda v: f"{v:g}" if isinstance(v, float) else str(v))
        .isin(y["levels"][:-1])
    )
    assert selected(visit) == kept.sum()


def test_a_box_over_groups_of_numbers_selects_from_the_least_to_the_largest(visit, population):
    found = visit.evaluate(
        "dse.brush.condition({column: 'a', ranges: [[1, 4], [5, 9], null]}, [-0.5, 1.2])"
    )
    assert found == [1, 9]
    alone = visit.evaluate(
        "dse.brush.condition({column: 'a', ranges: [[1, 4], [5, 9], null]}, [1.8, 2.2])"
    )
    assert alone == ["none"]
