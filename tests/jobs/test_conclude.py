from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from rich.console import Console

from dse.analysis.summary import summarise
from dse.errors import UserError
from dse.jobs.conclude import Conclusion, outputs_of
from dse.jobs.survey import best_table, hand_over
from dse.store.records import StudyRecord
from dse.store.target import parse_target
from tests.population import make_curves, make_population

STUDY = StudyRecord(
    name="s",
    space_name="space",
    space_hash="0",
    space={},
    budget={"flops": 4.5e9, "tolerance": 0.01, "resolution": 224},
    seed=0,
    proxy={"dataset": {"source": "fractals"}},
    design={"kind": "survey", "repeat": 0.25},
    provenance={},
)


def conclusion(store: Path, *, diverged: tuple[int, ...] = ()) -> Conclusion:
    population = make_population(6, diverged=diverged)
    return Conclusion(
        store=parse_target(store),
        place=store,
        study=STUDY,
        population=population,
        curves=make_curves(population),
        summary=summarise(population, random_subset=2, embedded=True, top=6),
    )


def database(path: Path) -> Path:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
    return path


@pytest.mark.parametrize(
    ("store", "report", "best"),
    [
        ("a/study.db", "a/study.html", "a/study.best"),
        ("study.v1", "study.v1.html", "study.v1.best"),
        ("study.v2", "study.v2.html", "study.v2.best"),
        ("study.html", "study.html.html", "study.html.best"),
        ("study", "study.html", "study.best"),
    ],
)
def test_outputs_carry_the_stores_name_and_are_never_the_store(
    store: str, report: str, best: str
) -> None:
    assert outputs_of(Path(store)) == (Path(report), Path(best))


def test_a_report_never_overwrites_a_store(tmp_path: Path) -> None:
    store, other = database(tmp_path / "s.db"), database(tmp_path / "other")
    (tmp_path / "link.html").symlink_to(store)
    held = store.read_bytes()
    for output in (store, tmp_path / "." / "s.db", tmp_path / "link.html", other):
        with pytest.raises(UserError, match="is a store; name another file"):
            conclusion(store).write_report(output)
    with pytest.raises(UserError, match="is a store"):
        conclusion(tmp_path / "new.db").write_report(tmp_path / "new.db-wal")
    assert store.read_bytes() == held
    assert conclusion(store).write_report() == tmp_path / "s.html"


def test_a_study_of_bad_ends_is_handed_over_without_a_best_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = conclusion(tmp_path / "s.db", diverged=tuple(range(6)))
    hand_over(found, 5, Console(width=200))
    out = capsys.readouterr().out
    assert out.count("there is no best one") == 1
    assert "Best networks" not in out
    assert [path.name for path in tmp_path.iterdir()] == ["s.html"]
    with pytest.raises(UserError, match="there is no best one"):
        found.write_export()


def test_exports_are_ranked_as_in_the_study_whatever_order_is_asked_for(tmp_path: Path) -> None:
    found = conclusion(tmp_path / "s.db", diverged=(4,))
    ranks = {ranked.index: ranked.rank for ranked in found.summary.best}
    rows = found.write_export(ids=[1, 1, 0, 4])
    assert [Path(row["folder"]).name for row in rows] == [
        f"rank-{ranks[1]:02d}-network-0001",
        f"rank-{ranks[0]:02d}-network-0000",
        "network-0004",
    ]


def test_the_table_names_what_its_interval_is_of(tmp_path: Path) -> None:
    table = best_table(conclusion(tmp_path / "s.db").summary, 3)
    assert [str(column.header) for column in table.columns[2:6]] == [
        "first seed",
        "fresh seed",
        "95 % interval",
        "mean",
    ]
    assert table.row_count == 3
    assert "by seed noise alone" in str(table.caption)
