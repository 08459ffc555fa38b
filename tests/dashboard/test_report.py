from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from dse.dashboard.report import write_report
from dse.dashboard.view import View
from dse.errors import UserError
from tests.dashboard.conftest import addresses, make_study, rendered, value_of, without_plotly
from tests.population import make_population


class Elements(HTMLParser):
    """Collects start tags with their attributes, and checks that what is opened is closed."""

    VOID = frozenset({"meta", "br", "link", "img"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == [], f"left open: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_report_refers_to_nothing_outside_itself(population):
    page = without_plotly(rendered(population))
    for tag, attributes in Elements(page).found:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            assert (attributes.get(name) or "#").startswith("#"), (tag, attributes)
    assert addresses(page) == []


def test_names_are_shown_as_text_and_cannot_end_a_script(population):
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>&\"'"
    population["study"] = evil
    population["reason"] = population["reason"].where(population["reason"].isna(), evil)
    population.loc[population["arch.stem"] == "patch", "arch.stem"] = evil
    page = without_plotly(rendered(population, title=evil, space=evil))
    elements = Elements(page).found
    assert [tag for tag, _ in elements].count("script") == 3  # data, plotly.js (cut out), ours
    assert not any(tag == "img" for tag, _ in elements)
    assert not any(name.startswith("on") for _, attributes in elements for name in attributes)
    assert "&lt;script&gt;alert(1)" in page


def test_every_figure_has_a_place_a_description_and_survives_the_escaping(population):
    page = rendered(population)
    elements = Elements(without_plotly(page)).found
    places = {a["id"]: a for _, a in elements if a.get("role") == "figure"}
    data = value_of(page)
    assert set(places) == set(data["figures"])
    assert all(place["aria-label"] for place in places.values())
    assert {"plot-edf", "plot-curves", "plot-drawings-Best", "plot-costs-flops"} <= set(places)
    assert set(data["templates"]) == {"light", "dark"}


def test_report_says_conclusion_first_and_where_it_comes_from_last(population):
    page = without_plotly(rendered(population))
    headings = re.findall(r"<h2[^>]*>(.*?)</h2>", page)
    assert headings[0] == "Conclusion"
    assert headings[-2:] == ["Method", "Provenance"]
    assert "no evidence about ImageNet" in page
    for shown in ("8f0c2d7e51aa", "versions, torch", "2.13.0", "multiply-adds", "bfloat16"):
        assert shown in page


def test_ids_are_unique(population):
    ids = [a["id"] for _, a in Elements(without_plotly(rendered(population))).found if "id" in a]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("networks", "diverged", "state"),
    [(1, (), "complete"), (3, (0, 1, 2), "diverged"), (4, (), "running"), (2, (0,), "complete")],
)
def test_a_report_of_almost_nothing_is_still_a_page(networks, diverged, state):
    population = make_population(networks, diverged=diverged)
    if state == "running":
        population["state"], population["error"] = state, np.nan
    assert "Conclusion" in without_plotly(rendered(population))


def test_a_study_without_a_best_network_says_so_once_and_lists_none():
    page = without_plotly(rendered(make_population(6, diverged=tuple(range(6)))))
    assert page.count("there is no best one") == 1
    assert 'id="best_networks"' not in page
    assert 'id="drawings"' not in page
    assert not re.search(r"\binf\b", page.split('id="page-value"')[0])


def test_the_method_is_that_of_the_studys_design(population):
    for share, said in (
        (0.25, "the best 25 % by the first seed"),
        (0.5, "the best 50 % by the first seed"),
        (1.0, "every network was trained again"),
        (0.0, "trained with one seed"),
    ):
        page = without_plotly(rendered(population, share=share))
        assert said in page
        assert "quarter" not in page.split('id="method"')[1].split("</section>")[0]


def test_table_and_method_say_the_same_of_the_order(population):
    assert without_plotly(rendered(population)).count("theirs are too good on average") == 2


def test_a_report_of_an_empty_study_is_still_a_page():
    population = make_population().head(0)
    Elements(without_plotly(rendered(population)))


def test_same_study_same_bytes(population):
    assert rendered(population) == rendered(population)


def write(path, population):
    return write_report(View(studies=(make_study(population),)), title="A study", path=path)


def test_report_is_written_into_a_new_folder_and_leaves_nothing_else(tmp_path, population):
    path = write(tmp_path / "new" / "report.html", population)
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]
    assert path.stat().st_size < 6_000_000


def test_a_report_that_cannot_be_written_leaves_the_old_one(tmp_path, population, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("old", encoding="utf-8")

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError, match=r"report\.html.*No space left"):
        write(path, population)
    assert [p.read_text(encoding="utf-8") for p in tmp_path.iterdir()] == ["old"]


def test_a_report_into_a_file_as_folder_is_the_users_mistake(tmp_path, population):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UserError, match="cannot be written"):
        write(tmp_path / "file" / "report.html", population)
