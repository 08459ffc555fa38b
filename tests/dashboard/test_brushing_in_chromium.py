"""Selections in a report, opened from the disk in a real browser."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from dse.analysis.distributions import edf
from dse.analysis.population import outcomes
from dse.dashboard.filters import Filter
from dse.dashboard.report import render, view_value
from dse.dashboard.restriction import restriction
from dse.dashboard.spec import Dashboard
from dse.dashboard.view import StudyData, View
from tests.dashboard.conftest import make_study
from tests.dashboard.test_report_in_chromium import Visit, browser  # noqa: F401
from tests.population import make_population
from tests.spaces import CONVNEXT

EVIL = '<img src="https://example.org/x" onerror="alert(1)"><b>&amp;'


PANELS = (
    "selection",
    "edf",
    {"panel": "error_against", "columns": ["arch.kernel_sizes.3", "arch.stem"]},
    "costs",
    "curves",
    "seeds",
)


def survey(**options: Any) -> StudyData:
    return dataclasses.replace(make_study(make_population(**options)), space=CONVNEXT)


STUDY = survey()
NETWORKS = STUDY.networks
OTHER = survey(networks=12, seed=1, diverged=(3,), study="other")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("one"), STUDY)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("two"), STUDY, OTHER)


def spec(*panels: Any) -> Dashboard:
    return Dashboard.model_validate({"format": 1, "panels": panels or PANELS})


def written(folder: Path, *studies: StudyData, dashboard: Dashboard | None = None) -> Path:
    path = folder / "report.html"
    page = render(View(studies=studies), dashboard=dashboard or spec())
    path.write_text(page, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def pages(browser: Any) -> Iterator[Pages]:  # noqa: F811
    found = Pages(browser)
    yield found
    for visit in found.open.values():
        visit.context.close()


class Pages:
    """Opened reports. One that is opened again is given its filter anew, which is much quicker."""

    def __init__(self, browser: Any) -> None:  # noqa: F811
        self.browser = browser
        self.open: dict[Path, Visit] = {}

    @contextmanager
    def __call__(self, path: Path, fragment: str = "", **fresh: Any) -> Iterator[Visit]:
        """The report with a filter; with a width, a scheme or `new`, loaded for this alone."""
        is_known = path in self.open and not fresh
        if is_known:
            visit = self.open[path]
            visit.page.set_viewport_size({"width": 1280, "height": 900})
            visit.evaluate("document.querySelector('dialog[open]')?.close()")
            visit.page.evaluate(
                "(text) => dse.page.select(dse.filter.parse(text))", fragment.removeprefix("#")
            )
        else:
            options = {key: value for key, value in fresh.items() if key != "new"}
            visit = Visit(self.browser, path, whole=False, fragment=fragment, **options)
        yield visit
        assert visit.complaints == []
        asked = [u for u in visit.requests if not u.startswith(("file:", "data:", "blob:"))]
        assert asked == []
        if fresh:
            visit.context.close()
        else:
            self.open[path] = visit


def drag(visit: Visit, place: str, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag the mouse over a figure; places are shares of the plot, from its upper left corner."""
    visit.see(place)
    box = visit.page.locator(f"{place} .nsewdrag").first.bounding_box()
    corners = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    visit.page.mouse.move(*corners[0])
    visit.page.mouse.down()
    visit.page.mouse.move(*np.mean(corners, axis=0))
    visit.page.mouse.move(*corners[1])
    visit.page.mouse.up()
    visit.until("dse.page.isFiltered()")


def asked(visit: Visit) -> Filter:
    """The filter that the address says."""
    return Filter.parse(visit.evaluate("location.hash.slice(1)"))


def told(visit: Visit) -> str:
    return str(visit.page.locator("[role=status]").text_content())


def rows(visit: Visit) -> list[int]:
    """The networks in the table of the selection."""
    visit.see("#selection .found")
    cells = "[...document.querySelectorAll('#selection .found tbody tr td:first-child button')]"
    return [int(text) for text in visit.evaluate(f"{cells}.map((cell) => cell.textContent)")]


def test_a_box_on_the_edf_selects_its_errors_everywhere(pages, report):
    with pages(report) as visit:
        visit.see("#plot-edf")
        top = "document.getElementById('plot-edf').getBoundingClientRect().top"
        before = visit.evaluate(top)
        drag(visit, "#plot-edf", (0.3, 0.2), (0.6, 0.8))
        assert visit.evaluate(top) == pytest.approx(before, abs=1.5)  # the panel above has grown
        filter_ = asked(visit)
        assert list(filter_.conditions) == ["error"]
        mask = filter_.mask(NETWORKS)
        n = int(mask.sum())
        assert 3 < n < 20
        assert told(visit) == f"{n} of 24 networks selected"
        curve = edf(outcomes(NETWORKS)[mask], n, band="dkw")
        (shown,) = visit.evaluate(
            "document.getElementById('plot-edf').data.filter((t) => t.name?.includes('selected'))"
            ".map((t) => ({name: t.name, x: [...t.x], y: [...t.y]}))"
        )
        assert shown["name"] == f"selected, n = {n}"
        np.testing.assert_allclose(shown["x"][1:-1], 100 * curve.errors)
        np.testing.assert_allclose(shown["y"][1:-1], 100 * curve.fraction)
        assert (shown["y"][0], shown["y"][-1]) == (0, 100)
        assert "DKW" not in visit.page.locator("#plot-edf .legend").text_content()
        assert sorted(rows(visit)) == NETWORKS["index"][mask].tolist()
        visit.see("#plot-curves")
        assert (
            f"median of selected, n = {n}"
            in visit.page.locator("#plot-curves .legend").text_content()
        )


def test_the_band_of_a_selection_is_drawn_where_no_error_was_looked_at(pages, report):
    with pages(report, fragment="#arch.norm_layer=batch_norm") as visit:
        rows_ = NETWORKS[NETWORKS["arch.norm_layer"] == "batch_norm"]
        errors = outcomes(rows_)
        curve = edf(errors[np.isfinite(errors)], len(errors), band="dkw")
        visit.see("#plot-edf")
        traces = visit.evaluate(
            "document.getElementById('plot-edf').data.slice(3).map((t) => [...t.y])"
        )
        for found, level in zip(traces, (curve.lower, curve.upper, curve.fraction), strict=True):
            np.testing.assert_allclose(found[1:-1], 100 * level)


def test_a_box_over_points_takes_levels_and_errors_and_fades_the_others(pages, report):
    place = "#plot-error-against-arch-kernel-sizes-3"
    with pages(report) as visit:
        drag(visit, place, (0.02, 0.3), (0.5, 0.98))
        filter_ = asked(visit)
        assert set(filter_.conditions) == {"error", "arch.kernel_sizes.3"}
        assert filter_.conditions["arch.kernel_sizes.3"] == ("3", "5")
        assert filter_.conditions["error"].high < 0.65
        mask = filter_.mask(NETWORKS)
        assert 1 < mask.sum() < 24

        def clear(figure: str) -> int:
            return visit.evaluate(
                f"""(() => {{
                  const plot = document.querySelector('{figure}');
                  return [...plot.querySelectorAll('.scatterlayer .trace')]
                    .filter((g) => plot.data[g.__data__[0].trace.index].meta?.role === 'networks')
                    .flatMap((g) => [...g.querySelectorAll('.point')])
                    .filter((p) => Number(getComputedStyle(p).opacity) > 0.5).length;
                }})()"""
            )

        assert clear(place) == mask.sum()
        visit.see("#plot-costs-flops")
        assert clear("#plot-costs-flops") == mask.sum()
        visit.page.set_viewport_size({"width": 1100, "height": 900})  # Plotly draws anew
        visit.page.wait_for_timeout(400)
        assert clear("#plot-costs-flops") == mask.sum()
        visit.page.click(".selection-bar button:text-is('Clear')")
        visit.until("!dse.page.isFiltered()")
        assert clear("#plot-costs-flops") == 24
        assert visit.evaluate("location.hash") == ""
        assert told(visit) == "No selection: all 24 networks"


def test_a_double_click_takes_back_what_the_figure_says(pages, report):
    with pages(report, fragment="#error=0.3..0.5&arch.stem=patch") as visit:
        visit.see("#plot-edf")
        box = visit.page.locator("#plot-edf .nsewdrag").bounding_box()
        visit.page.mouse.dblclick(box["x"] + 40, box["y"] + 60)
        visit.until("!dse.page.filter.has('error')")
        assert str(asked(visit)) == "arch.stem=patch"


def test_the_address_is_restored_followed_and_kept(pages, report):
    text = "error=..0.5&arch.stem=patch,overlap"
    with pages(report, fragment=f"#{text}", new=True) as visit:
        n = int(Filter.parse(text).mask(NETWORKS).sum())
        assert told(visit) == f"{n} of 24 networks selected"
        visit.see("#plot-curves")
        visit.page.click(".selection-bar a")
        assert visit.evaluate("document.activeElement.id") == "selection"
        assert str(asked(visit)) == text
        visit.evaluate("location.hash = '#index=3,7'")
        visit.until("dse.page.filter.has('index')")
        assert told(visit) == "2 of 24 networks selected"
        visit.evaluate("location.hash = '#error=0.5..0.1'")
        visit.until("!dse.page.isFiltered()")


def test_everything_is_done_from_the_keyboard(pages, report):
    with pages(report) as visit:
        press = visit.page.keyboard.press
        visit.page.focus("#selection summary")
        press("Enter")
        visit.page.select_option("#selection select", "arch.norm_layer")
        visit.page.focus("#selection fieldset input[value=layer_norm]")
        press("Space")
        press("Enter")
        visit.until("dse.page.filter.has('arch.norm_layer')")
        visit.page.select_option("#selection select", "error")
        visit.page.focus("#selection input[name=to]")
        visit.page.keyboard.type("55")
        press("Enter")
        visit.until("dse.page.filter.has('error')")
        text = "arch.norm_layer=layer_norm&error=..0.55"
        assert str(asked(visit)) == text
        n = int(Filter.parse(text).mask(NETWORKS).sum())
        assert told(visit) == f"{n} of 24 networks selected"

        visit.page.focus("#selection .chip >> nth=0")
        press("Enter")
        visit.until("!dse.page.filter.has('arch.norm_layer')")
        focused = "document.activeElement.getAttribute('aria-label')"
        visit.until(f"{focused} === 'Remove the condition Held-out error at most 55 %'")

        visit.page.focus("#selection .found tbody button")
        press("Enter")
        assert visit.page.locator("dialog[open] h2").inner_text().startswith("Network ")
        press("Escape")
        visit.until(f"{focused}?.startsWith('Open network')")
        visit.page.focus("#selection [data-sort=flops]")
        press("Enter")
        head = visit.page.locator("#selection th[aria-sort]")
        assert head.get_attribute("aria-sort") == "ascending"
        kept = NETWORKS[Filter.parse("error=..0.55").mask(NETWORKS)]
        assert rows(visit) == kept.sort_values("flops")["index"].tolist()


def test_a_click_on_a_point_opens_its_network(pages, report):
    with pages(report) as visit:
        place = "#plot-costs-params"
        visit.see(place)
        points = visit.page.locator(f"{place} .scatterlayer .point")
        where = points.first.bounding_box()
        index = visit.evaluate(f"document.querySelector('{place} .point').__data__.data")
        visit.page.mouse.move(where["x"] + 3, where["y"] + 3)
        visit.page.mouse.click(where["x"] + where["width"] / 2, where["y"] + where["height"] / 2)
        visit.page.wait_for_selector("dialog[open]")
        dialog = visit.page.inner_text("dialog")
        row = NETWORKS.set_index("index").loc[index]
        assert dialog.startswith(f"Network {index}")
        assert f"dse export studies/study.db --id {index}" in dialog
        assert f"Stage 1: {row['arch.depths.1']} × {row['arch.dims.1']}" in dialog
        assert f"{100 * row['error']:.1f} %" in dialog
        assert "[object" not in dialog
        assert visit.evaluate("document.querySelectorAll('dialog .architecture rect').length") == (
            1 + sum(row[f"arch.depths.{stage}"] for stage in range(1, 5))
        )
        assert (
            visit.evaluate("document.querySelectorAll('dialog .scatterlayer .point').length") == 10
        )
        visit.page.click("dialog button:text-is('Close')")
        assert visit.evaluate("document.querySelector('dialog').open") is False


def test_a_network_that_ended_badly_says_why(pages, report):
    with pages(report) as visit:
        visit.evaluate("dse.network.open(dse.page.studies[0].name, 5)")
        assert "diverged: the loss became NaN at step 120" in visit.page.inner_text("dialog")


def test_a_selection_is_saved_as_csv_and_as_a_space(pages, report):
    text = "arch.norm_layer=batch_norm&error=..0.5"
    with pages(report, fragment=f"#{text}") as visit:
        files = {}
        for button in ("Save as CSV", "Save as space (YAML)"):
            with visit.page.expect_download() as download:
                visit.page.click(f"#selection button:text-is('{button}')")
            name = download.value.suggested_filename
            files[name] = Path(download.value.path()).read_text(encoding="utf-8")
        found = list(csv.DictReader(io.StringIO(files["selection.csv"])))
        kept = NETWORKS[Filter.parse(text).mask(NETWORKS)]
        assert [int(row["index"]) for row in found] == kept["index"].tolist()
        for name in ("error", "flops", "params", "seconds", "arch.dims.4"):
            assert [float(row[name]) for row in found] == kept[name].tolist()
        assert {row["study"] for row in found} == {STUDY.name}
        written = yaml.safe_load(files["selection.yaml"])
        expected = restriction(Filter.parse(text), CONVNEXT)
        assert written["parameters"] == expected.parameters
        assert f"# {expected.unsaid[0]}" in files["selection.yaml"]
        visit.page.click("#selection .chip >> nth=0")
        visit.until("dse.page.filter.size === 1")
        visit.page.click("#selection button:text-is('Save as space (YAML)')")
        assert "No condition narrows" in visit.page.inner_text(
            "#selection [role=alert]:not(:empty)"
        )


def test_a_link_to_the_selection_is_copied(pages, report):
    with pages(report, fragment="#error=..0.5") as visit:
        visit.page.click("#selection button:text-is('Copy link')")
        visit.page.wait_for_selector("#selection button:text-is('Copied')")
        assert visit.evaluate("dse.exports.link()").endswith("report.html#error=..0.5")


def test_every_figure_has_buttons_that_save_it(pages, report):
    with pages(report) as visit:
        visit.see("#plot-edf")
        for kind, start in (("PNG", b"\x89PNG"), ("SVG", b"<svg")):
            button = visit.page.locator(f"#plot-edf .modebar-btn[aria-label='Save as {kind}']")
            assert button.is_visible()
            with visit.page.expect_download() as download:
                button.click()
            assert download.value.suggested_filename == f"edf.{kind.lower()}"
            assert Path(download.value.path()).read_bytes().startswith(start)
        visit.evaluate("dse.figures.all()")
        lacking = visit.evaluate(
            "[...document.querySelectorAll('.plot')].filter((plot) =>"
            " plot.querySelectorAll('.modebar-btn[aria-label^=Save]').length !== 2).length"
        )
        assert lacking == 0


def test_one_filter_selects_in_several_studies_and_a_lasso_in_one(pages, both):
    with pages(both, fragment="#error=..0.55") as visit:
        filter_ = Filter.parse("error=..0.55")
        counts = [int(filter_.mask(study.networks).sum()) for study in (STUDY, OTHER)]
        assert told(visit) == f"{sum(counts)} of 36 networks selected"
        visit.see("#plot-edf")
        legend = visit.page.locator("#plot-edf .legend").text_content()
        for study, n in zip((STUDY, OTHER), counts, strict=True):
            assert f"{study.name}: selected, n = {n}" in legend
        visit.see("#plot-costs-params")
        visit.page.hover("#plot-costs-params")
        visit.page.click("#plot-costs-params .modebar-btn[aria-label='Lasso Select']")
        box = visit.page.locator("#plot-costs-params .nsewdrag").bounding_box()
        corners = [(0.01, 0.01), (0.99, 0.01), (0.99, 0.99), (0.01, 0.99), (0.01, 0.02)]
        for k, (x, y) in enumerate(corners):
            visit.page.mouse.move(
                box["x"] + x * box["width"], box["y"] + y * box["height"], steps=3
            )
            if not k:
                visit.page.mouse.down()
        visit.page.mouse.up()
        visit.until("dse.page.filter.has('index')")
        found = asked(visit).conditions
        assert len(found["study"]) == 1
        assert len(found["index"]) > 10


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_selection_fits_a_narrow_window(pages, report, scheme):
    with pages(
        report, width=420, scheme=scheme, fragment="#error=..0.5&arch.stem=patch,overlap"
    ) as visit:
        visit.see("#plot-curves")
        assert visit.page.is_visible(".selection-bar")
        visit.evaluate(f"dse.network.open({STUDY.name!r}, 15)")
        wide = "[...document.querySelectorAll('.selection-bar, dialog')]"
        assert (
            visit.evaluate(f"Math.max(...{wide}.map((e) => e.getBoundingClientRect().right))") < 420
        )
        assert visit.evaluate("document.documentElement.scrollWidth") <= 420
        ink = visit.evaluate(
            "dse.marks.added(dse.page.value.figures['plot-edf']).at(-1).line.color"
        )
        assert ink == {"light": "#1d2530", "dark": "#e6e9ee"}[scheme]


def test_figures_are_drawn_when_they_come_into_view(pages, report):
    with pages(report, new=True) as visit:
        drawn = "document.querySelectorAll('.plot .main-svg').length"
        before = visit.evaluate(drawn)
        assert visit.evaluate("document.querySelectorAll('#plot-seeds .main-svg').length") == 0
        visit.see("#plot-seeds")
        assert visit.evaluate(drawn) > before


def test_a_selection_is_printed_with_every_figure(pages, report, tmp_path):
    with pages(report, scheme="dark", fragment="#error=..0.5") as visit:
        visit.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert visit.evaluate(
            "[...document.querySelectorAll('.plot')].every((p) => p.querySelector('.main-svg'))"
        )
        visit.page.emulate_media(media="print")
        assert not visit.page.is_visible(".selection-bar")
        assert not visit.page.is_visible("#selection .tools")
        assert visit.page.is_visible("#selection .found table")
        visit.page.pdf(path=tmp_path / "report.pdf", format="A4")
        assert (tmp_path / "report.pdf").stat().st_size > 50_000


def test_names_with_markup_are_text_in_every_part_of_a_selection(pages, tmp_path):
    population = make_population(study=EVIL)
    population.loc[population["arch.stem"] == "patch", "arch.stem"] = EVIL
    population["reason"] = population["reason"].where(population["reason"].isna(), EVIL)
    study = dataclasses.replace(make_study(population), space=CONVNEXT)
    path = written(tmp_path, study, OTHER)
    with pages(path, fragment=f"#{Filter(conditions={'arch.stem': (EVIL,)})}") as visit:
        rows(visit)
        for place in (".selection-bar", "#selection .chips", "#selection .found"):
            assert EVIL in visit.page.locator(place).text_content(), place
        visit.evaluate(f"dse.network.open({EVIL!r}, 5)")
        assert EVIL in visit.page.inner_text("dialog")
        visit.see("#plot-edf")
        assert visit.evaluate("document.querySelectorAll('img, main b').length") == 0


def test_a_new_value_keeps_the_filter_and_what_is_drawn(pages, report):
    with pages(report, fragment="#error=..0.5", new=True) as visit:
        more = survey(networks=30)
        value = view_value(View(studies=(more,)), dashboard=spec())
        visit.see("#plot-edf")
        visit.evaluate("document.getElementById('plot-edf').mark = 'the same'")
        visit.page.evaluate("(value) => dse.start(value, document.querySelector('main'))", value)
        visit.until("dse.page.total() === 30")
        n = int(Filter.parse("error=..0.5").mask(more.networks).sum())
        assert told(visit) == f"{n} of 30 networks selected"
        assert visit.evaluate("document.getElementById('plot-edf').mark") == "the same"
        assert f"selected, n = {n}" in visit.page.locator("#plot-edf .legend").text_content()
        assert "n = 30" in visit.page.locator("#plot-edf .legend").text_content()


def test_without_a_panel_the_bar_still_tells_and_clears(pages, tmp_path):
    path = written(tmp_path, STUDY, dashboard=spec("edf", "curves"))
    with pages(path, fragment="#index=1,2,3") as visit:
        assert "3 of 24 networks selected" in visit.page.inner_text(".selection-bar")
        visit.page.click(".chip")
        visit.until("!dse.page.isFiltered()")
        assert not visit.page.is_visible(".selection-bar")


def test_networks_of_the_table_are_at_most_200(pages, tmp_path):
    study = make_study(make_population(230, diverged=()))
    path = written(tmp_path, study, dashboard=spec("selection"))
    with pages(path, fragment="#error=0..1") as visit:
        found = rows(visit)
        best = study.networks.sort_values("error", kind="stable")["index"].tolist()
        assert found == best[:200]
        assert "The first 200 of 230 selected networks." in visit.page.inner_text("#selection")
