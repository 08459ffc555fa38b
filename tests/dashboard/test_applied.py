from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from dse.analysis.summary import EMBEDDED_SENTENCE, summarise
from dse.dashboard.applied import FIRST, apply, narrowed
from dse.dashboard.filters import Filter
from dse.dashboard.page import Page
from dse.dashboard.panels import PANELS
from dse.dashboard.spec import Dashboard, dashboard_names, load_dashboard
from dse.dashboard.view import StudyData, View
from dse.errors import UserError
from tests.dashboard.conftest import make_study
from tests.population import make_population

EMBEDDED = "no evidence about ImageNet"


def study(name: str = "a", *, seed: int = 0) -> StudyData:
    """A survey that can be concluded from again."""

    def keeping(rows: pd.DataFrame) -> StudyData:
        return replace(
            whole, population=rows, summary=summarise(rows, random_subset=6, embedded=True)
        )

    whole = make_study(make_population(seed=seed, study=name))
    whole = replace(whole, keeping=keeping, cautions=(EMBEDDED_SENTENCE,), title=f"of {name}")
    return whole


def view(*names: str) -> View:
    return View(studies=tuple(study(name, seed=k) for k, name in enumerate(names)))


def board(*panels: Any, **options: Any) -> Dashboard:
    return Dashboard.model_validate({"panels": list(panels), **options})


def html(dashboard: Dashboard, shown: View) -> str:
    page = Page()
    found = apply(dashboard, shown)
    return "".join(page.section(name, section) for name, section in found.sections.items())


def test_panels_come_in_the_order_asked_for_and_may_come_twice() -> None:
    asked = board("edf", "conclusion", {"panel": "edf", "title": "Once more"}, "edf")
    found = apply(asked, view("a"))
    assert list(found.sections) == ["edf", "conclusion", "edf-2", "edf-3"]
    assert found.sections["edf-2"].title == "Once more"
    assert html(asked, view("a")).count('id="plot-edf') == 3


def test_a_panel_shows_the_columns_asked_for() -> None:
    text = html(board({"panel": "error_against", "columns": ["arch.stem"]}), view("a"))
    assert text.count('class="plot"') == 1


@pytest.mark.parametrize("name", dashboard_names())
def test_shipped_dashboards_show_one_study_and_several(name: str) -> None:
    for names in (("a",), ("a", "b")):
        assert apply(load_dashboard(name), view(*names)).sections


def test_titles_are_the_dashboards_or_what_was_studied() -> None:
    assert apply(board("edf"), view("a", "b")).title == "of a | of b"
    assert apply(board("edf"), view(*"abcd")).title == "4 studies"
    found = apply(board("edf", title="Mine", about="It is so."), view("a", "b"))
    assert (found.title, found.subtitle) == ("Mine", "Design-space survey a; survey b. It is so.")


def test_studies_are_chosen_and_ordered_by_name() -> None:
    found = apply(board("edf", studies=["c", "a"]), view("a", "b", "c"))
    assert [each.name for each in found.view.studies] == ["c", "a"]
    with pytest.raises(UserError, match="no study 'd'; there are: 'a', 'b'"):
        apply(board("edf", studies=["d"]), view("a", "b"))


def test_a_filter_on_choices_leaves_a_sample_of_a_part_of_the_space() -> None:
    whole = view("a", "b")
    found = apply(board("conclusion", filter={"arch.stem": "patch"}), whole)
    for before, part in zip(whole.studies, found.view.studies, strict=True):
        wanted = before.networks[before.networks["arch.stem"] == "patch"]
        assert list(part.networks["index"]) == list(wanted["index"])
        assert set(part.curves["index"]) <= set(wanted["index"])
        assert part.summary is not None
        assert part.summary.networks == len(wanted)
    told = html(board("conclusion", filter={"arch.stem": "patch"}), whole)
    n = [part.population["index"].nunique() for part in found.view.studies]
    assert f"Stem patch: {n[0]} of 24 networks of a, {n[1]} of 24 networks of b." in told
    assert "of this part of the space alone" in told


def test_networks_chosen_by_their_errors_are_no_sample() -> None:
    asked = board("conclusion", "edf", "curves", filter={"error": [None, 0.5]})
    found = apply(asked, view("a"))
    assert found.view.samples == ()
    assert "edf" not in found.sections
    told = html(asked, view("a"))
    assert "no statistic of a population is made of them" in told
    assert EMBEDDED in told


def test_a_study_that_cannot_be_concluded_from_again_is_no_sample_when_filtered() -> None:
    alone = View(studies=(make_study(make_population()),))
    assert narrowed(alone, Filter()).samples == alone.studies
    assert narrowed(alone, Filter.parse("arch.stem=patch")).samples == ()


def test_a_filter_may_leave_whole_studies_out() -> None:
    asked = board("edf", filter={"study": "b"})
    assert [each.name for each in apply(asked, view("a", "b")).view.studies] == ["b"]
    with pytest.raises(UserError, match="leaves none of the studies 'a', 'b'"):
        apply(board("edf", filter={"study": "c"}), view("a", "b"))


def test_a_filter_that_no_network_meets_is_still_a_page() -> None:
    asked = board(*(name for name in PANELS), filter={"arch.stem": "nowhere"})
    assert "0 of 24 networks of a" in html(asked, view("a"))


def test_a_column_that_no_study_has_is_refused() -> None:
    with pytest.raises(
        UserError, match=r"no study has a column 'arch.stm'; did you mean 'arch.stem'"
    ):
        apply(board("edf", filter={"arch.stm": "patch"}), view("a"))


def test_cautions_stand_on_every_page_once() -> None:
    whole = View(studies=(study("a"), study("b", seed=1)))
    assert html(board("edf"), whole).count(EMBEDDED) == 1
    assert apply(board("edf"), whole).sections.keys() == {FIRST, "edf"}
    assert html(board("conclusion"), view("a")).count(EMBEDDED) == 1
    assert FIRST not in apply(board("conclusion"), whole).sections


def test_names_and_levels_are_shown_as_text() -> None:
    evil = "<script>alert(1)</script>"
    rows = make_population(study=evil)
    rows.loc[0, "arch.stem"] = evil
    shown = View(studies=(make_study(rows),))
    told = html(board("edf", title=evil, filter={"arch.stem": evil, "study": evil}), shown)
    assert "<script>" not in told
    assert "1 of 24 networks of &lt;script&gt;" in told
