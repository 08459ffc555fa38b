"""Stores on the command line: old ones, servers, and several studies in one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import optuna
import pytest

from dse.cli import main
from dse.store.store import Store
from tests import tiny
from tests.searching import Searched
from tests.services.postgresql import Server

VERSION_1 = Path(__file__).parent / "store" / "version_1.sql"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    captured = capsys.readouterr()
    assert isinstance(caught.value.code, int)
    return caught.value.code, captured.out, captured.err


def test_an_old_store_is_upgraded_when_asked_and_then_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "study.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSION_1.read_text())
    code, _, err = run(capsys, "report", str(path))
    assert (code, err.count("\n")) == (2, 1)
    assert f"`dse upgrade {path}` brings it up to date" in err
    code, out, err = run(capsys, "upgrade", str(path))
    assert code == 0
    assert f"a backup is {path}.v1.backup" in err
    assert f"{path}: is up to date" in out
    code, out, err = run(capsys, "upgrade", str(path))
    assert (code, err) == (0, "")
    code, out, _ = run(capsys, "report", str(path))
    assert (code, out.strip()) == (0, str(tmp_path / "study.html"))


def test_a_search_is_reported_for_what_it_is_and_only_where_it_is_named(
    searched: Searched, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, path = searched.search.study.name, tmp_path / "r.html"
    assert run(capsys, "report", str(searched.store), "-o", str(path))[0] == 0
    assert name not in path.read_text(encoding="utf-8").partition("</header>")[0]
    assert run(capsys, "report", str(searched.store), "--study", name, "-o", str(path))[0] == 0
    page = path.read_text(encoding="utf-8")
    assert f"Design-space search {name}." in page
    assert "no sample of the space" in page


def test_several_surveys_of_a_store_are_told_apart_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, seed in ((None, 0), ("second", 1)):
        tiny.study(tmp_path, models=1, repeat="0%", workers=1, study=name, seed=seed)
    path = str(tmp_path / "study.db")
    code, _, err = run(capsys, "report", path)
    assert code == 2
    assert "holds several surveys: name one with --study" in err
    assert "'second'" in err
    for file in tmp_path.glob("*.html"):
        file.unlink()
    assert run(capsys, "report", path, "--study", "second")[0] == 0
    assert [file.name for file in tmp_path.glob("*.html")] == ["second.html"]
    with Store.open(path) as store:
        first = store.studies()[0].name
    code, out, _ = run(capsys, "report", path, "--study", first)
    assert (code, out.strip()) == (0, str(tmp_path / "study.html"))


def test_a_study_on_a_server_is_run_resumed_and_reported(
    tmp_path: Path,
    postgresql: Server,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    url = postgresql.make_database()
    for models in (1, 2):
        found = tiny.study(tmp_path, store=url, models=models, repeat="0%", workers=1)
    assert set(found.population["state"]) == {"complete"}
    assert "1 left to do" in capsys.readouterr().out
    code, out, _ = run(capsys, "report", url)
    assert (code, Path(out.strip()).parent) == (0, Path("studies"))
    (mirror,) = optuna.get_all_study_names(url.replace("postgresql:", "postgresql+psycopg:"))
    assert mirror == f"{found.study.name} (survey)"
