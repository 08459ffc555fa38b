from __future__ import annotations

from pathlib import Path

import pytest

from dse.dashboard.figures.space import histogram_panel, marginal_panel, region_figure
from dse.dashboard.space_page import render_space, write_space_page
from dse.errors import UserError
from dse.space import Budget, Sampler, load_space
from dse.space.describe.description import Description, describe
from tests.dashboard.conftest import addresses, value_of, without_plotly
from tests.dashboard.test_report import Elements
from tests.spaces import CONVNEXT_FILE


def described(name: str, budget: str, **options) -> Description:
    space = load_space(CONVNEXT_FILE.parent / f"{name}.yaml")
    return describe(space, Sampler(space=space, budget=Budget.parse(budget), **options), draws=200)


@pytest.fixture(scope="module")
def convnext() -> Description:
    return described("convnext_space", "4.5GFLOPs")


@pytest.fixture(scope="module")
def page(convnext: Description) -> str:
    return without_plotly(render_space(convnext))


def test_the_page_refers_to_nothing_outside_itself(page):
    for tag, attributes in Elements(page).found:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            assert (attributes.get(name) or "#").startswith("#"), (tag, attributes)
    assert addresses(page) == []
    assert "default-src 'none'" in page


def test_every_free_slot_width_and_cost_has_a_described_figure(convnext, page):
    places = {a["id"]: a for _, a in Elements(page).found if a.get("role") == "figure"}
    data = value_of(page)
    assert set(places) == set(data["figures"])
    assert all(place["aria-label"] for place in places.values())
    assert len(places) == convnext.space["dimension"] + 1 + 4 + 3


def test_the_page_says_budget_distribution_seed_n_and_convention(convnext, page):
    for shown in (
        "4.500 GFLOPs ± 1 % at 224 px",
        "the prior over shapes, pushed onto the budget",
        "seed 0",
        "n = 200",
        "multiply-adds of convolution and linear layers",
        "what feasibility does to the prior",
        convnext.space["hash"],
    ):
        assert shown in page, shown


def test_names_are_shown_as_text(convnext):
    evil = "</script><script>alert(1)</script>"
    convnext.space["description"] = evil
    page = without_plotly(render_space(convnext))
    assert [tag for tag, _ in Elements(page).found].count("script") == 3
    assert "&lt;script&gt;alert(1)" in page


def test_a_panel_shows_prior_realised_interval_n_and_p(convnext):
    row = next(row for row in convnext.parameters if row["slot"] == "stem")
    bars, prior = marginal_panel(row, "n = 200, p = 0.3").data
    assert sum(bars.y) == pytest.approx(100)
    assert prior.y == pytest.approx([100 / 3] * 3)
    assert all(bars.error_y.array > 0)
    assert all(bars.error_y.arrayminus > 0)


def test_a_page_of_a_space_where_nothing_is_free(tmp_path):
    fixed = tmp_path / "fixed.yaml"
    fixed.write_text(
        "name: one\nparameters: {depths: 2, dims: {growth: 2, multiple_of: 1}, kernel_sizes: 7}\n"
    )
    space = load_space(fixed)
    found = describe(space, Sampler(space=space, budget=Budget.parse("1GFLOPs")), draws=20)
    assert found.space["duplicates"] == 19
    page = without_plotly(render_space(found))
    assert "What is drawn" not in page
    assert "Where the budget" not in page
    assert "Nothing is tested" in page


def test_a_histogram_of_one_value_and_the_least_regions(convnext):
    from dse.dashboard.labels import label

    (bars,) = histogram_panel(convnext.dims[:1, 0], "one", "", label("width")).data
    assert sum(bars.y) == 1
    figure = region_figure(convnext.regions[:3], 0.99)
    assert figure.layout.yaxis.range == (2.5, -0.5)


def test_the_page_is_written_whole_and_never_over_a_folder(convnext, tmp_path: Path):
    path = write_space_page(convnext, tmp_path / "new" / "space.html")
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    with pytest.raises(UserError, match="cannot be written"):
        write_space_page(convnext, tmp_path)
