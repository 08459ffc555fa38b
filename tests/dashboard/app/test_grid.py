"""The table of selected networks."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd

from dse.dashboard.app.grid import NetworkTable, csv, network_path
from dse.dashboard.filters import Filter
from dse.dashboard.view import StudyData, View
from tests.dashboard.app.made import renamed

ALL = Filter()


def rows(
    table: NetworkTable, asked: Filter = ALL, order: Any = (), end: int = 1000
) -> list[dict[str, Any]]:
    return table.rows(asked, start=0, end=end, order=order)[0]


def test_the_best_come_first_and_bad_ends_last(study: StudyData) -> None:
    shown = rows(NetworkTable(View(studies=(study,))))
    assert len(shown) == len(study.networks)
    assert shown[0]["index"] == study.networks["index"][study.networks["error"].idxmin()]
    assert shown[0]["error"] == f"{100 * study.networks['error'].min():.1f}"
    bad = int((study.networks["state"] == "diverged").sum())
    assert bad > 0
    assert [row["error"] for row in shown[-bad:]] == ["diverged"] * bad


def test_rows_come_in_parts_of_a_selection(study: StudyData) -> None:
    table = NetworkTable(View(studies=(study,)))
    asked = Filter.parse("error=..0.5&arch.stem=patch")
    everyone = rows(table, asked)
    assert 0 < len(everyone) < len(study.networks)
    parts = [table.rows(asked, start=start, end=start + 2)[0] for start in range(0, 40, 2)]
    assert [row for part in parts for row in part] == everyone
    assert {row["arch/stem"] for row in everyone} == {"patch"}
    assert table.rows(asked, start=0, end=2)[1] == len(everyone)


def test_every_column_sorts_both_ways_and_ties_stay_in_order(study: StudyData) -> None:
    table = NetworkTable(View(studies=(study,)))
    for definition in table.definitions():
        field = definition["field"]
        up = rows(table, order=[{"colId": field, "sort": "asc"}])
        down = rows(table, order=[{"colId": field, "sort": "desc"}])
        assert {row["index"] for row in up} == {row["index"] for row in down}
        known = [[row[field] for row in each if row[field] != "–"] for each in (up, down)]
        if field != "error":
            assert known[0] == known[1][::-1], "what is missing is last both ways"
    by = [{"colId": "arch/stem", "sort": "asc"}, {"colId": "flops", "sort": "desc"}]
    found = [(row["arch/stem"], -float(row["flops"])) for row in rows(table, order=by)]
    assert found == sorted(found)


def test_an_order_by_what_is_no_column_is_none(study: StudyData) -> None:
    table = NetworkTable(View(studies=(study,)))
    assert rows(table, order=[{"colId": "architecture", "sort": "asc"}]) == rows(table)


def test_networks_of_several_studies_stand_in_one_table(study: StudyData) -> None:
    other = renamed(study, 'a/b "<i>', kind="search", summary=None)
    view = View(studies=(study, other))
    table = NetworkTable(view)
    assert table.definitions()[0]["field"] == "study"
    shown = rows(table)
    assert len(shown) == 2 * len(study.networks)
    assert {row["study"] for row in shown} == {study.name, 'a/b "<i>'}
    assert network_path('a/b "<i>', 3) == "/network/a%2Fb%20%22%3Ci%3E/3"
    assert network_path('a/b "<i>', 3) in {row["href"][:-1] + "3" for row in shown}
    one = rows(table, Filter.parse(f"study={study.name}"))
    assert {row["study"] for row in one} == {study.name}


def test_a_selection_is_saved_in_stored_units(study: StudyData) -> None:
    asked = Filter.parse("error=0.45..&study=" + study.name)
    text = csv(View(studies=(study, renamed(study, "other"))), asked)
    found = pd.read_csv(io.StringIO(text))
    exact = study.networks[asked.mask(study.networks)]
    assert found["index"].tolist() == exact["index"].tolist()
    np.testing.assert_allclose(found["error"], exact["error"])
    assert found["flops"].tolist() == exact["flops"].tolist()
    assert set(found["study"]) == {study.name}
    assert "architecture" not in found
