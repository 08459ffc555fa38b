"""The page of a space in a real browser, opened from the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from dse.dashboard.space_page import write_space_page
from tests.dashboard.test_space_page import described
from tests.dashboard.visit import Visit

SPACES = {
    "convnext_space": ("4.5GFLOPs", {}),
    "anynetx_d": ("400MFLOPs", {}),
    "regnetx_pycls": ("360-400MFLOPs", {"population": "conditioned"}),
    "linear_or_conv_space": ("4.5GFLOPs", {}),
}


@pytest.fixture(scope="module", params=list(SPACES))
def page_path(request, tmp_path_factory) -> Path:
    budget, options = SPACES[request.param]
    found = described(request.param, budget, **options)
    return write_space_page(found, tmp_path_factory.mktemp("page") / "space.html")


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (1200, "dark"), (420, "light")])
def test_the_page_draws_every_figure_without_error_or_request(browser, page_path, width, scheme):
    visit = Visit(browser, page_path, width=width, scheme=scheme)
    drawn = visit.evaluate(
        "[...document.querySelectorAll('.plot')].map(p => p.querySelectorAll('.main-svg').length)"
    )
    assert len(drawn) >= 10
    assert min(drawn) >= 1
    assert visit.evaluate("document.documentElement.scrollWidth") <= width
    assert visit.complaints == []
    assert [u for u in visit.requests if not u.startswith(("file:", "data:", "blob:"))] == []
    visit.context.close()


@pytest.mark.parametrize("width", [1200, 420])
def test_labels_neither_overlap_nor_leave_their_panel(browser, page_path, width):
    visit = Visit(browser, page_path, width=width)
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
    visit.context.close()
