"""Selections in a report, opened from the disk in a real browser."""

from __future__ import annotations

import numpy as np
import pytest

from dse.analysis.distributions import edf
from dse.analysis.population import outcomes
from dse.dashboard.filters import Filter
from tests.dashboard.assets.reports import NETWORKS, asked, drag, rows, told


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
