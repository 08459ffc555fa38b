"""What is done with a selection in a report, opened from the disk in a real browser."""

from __future__ import annotations

import csv
import dataclasses
import io
from pathlib import Path

import pytest
import yaml

from dse.dashboard.filters import Filter
from dse.dashboard.report import view_value
from dse.dashboard.restriction import restriction
from dse.dashboard.view import View
from tests.dashboard.assets.reports import (
    NETWORKS,
    OTHER,
    STUDY,
    asked,
    rows,
    spec,
    survey,
    told,
    written,
)
from tests.dashboard.conftest import make_study
from tests.population import make_population
from tests.spaces import CONVNEXT

EVIL = '<img src="https://example.org/x" onerror="alert(1)"><b>&amp;'


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
