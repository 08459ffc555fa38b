"""`dse explain`: what matters in a survey, as tables, JSON Lines and a narrower space."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dse.space import load_space
from dse.store.store import Store
from tests import tiny
from tests.filled import fill_survey
from tests.spaces import CONVNEXT_FILE
from tests.store.records import fill
from tests.test_cli import run


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished survey of five networks."""
    folder = tmp_path_factory.mktemp("survey")
    tiny.study(folder, repeat="0%")
    return folder / "study.db"


def test_every_row_says_a_sentence(capsys: pytest.CaptureFixture[str], store: Path) -> None:
    code, out, err = run(capsys, "explain", str(store), "--json")
    assert code == 0, err
    rows = [json.loads(line) for line in out.splitlines()]
    assert {row["table"] for row in rows} >= {"importance", "effects", "good_values", "narrowing"}
    assert all(row["sentence"].endswith(".") for row in rows)
    assert all(row["n"] == 5 for row in rows if row["table"] == "importance")


def test_tables_come_with_counts_and_cautions(
    capsys: pytest.CaptureFixture[str], store: Path
) -> None:
    code, out, err = run(capsys, "explain", str(store))
    assert code == 0, err
    for text in ("5 networks: 5 trained to the end", "What matters", "no evidence about ImageNet"):
        assert text in out


def test_a_level_of_one_network_has_no_limits_and_says_so(
    capsys: pytest.CaptureFixture[str], store: Path
) -> None:
    _, out, _ = run(capsys, "explain", str(store))
    assert "no limits" in out
    assert "inf" not in out.replace("information", "")


def test_too_few_networks_propose_no_space(
    capsys: pytest.CaptureFixture[str], store: Path, tmp_path: Path
) -> None:
    file = tmp_path / "narrow.yaml"
    code, out, err = run(capsys, "explain", str(store), "--write-space", str(file))
    assert (code, out) == (2, "")
    assert "no narrower space to write" in err
    assert err.count("\n") == 1
    assert not file.exists()


def test_a_store_that_is_not_there_is_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, err = run(capsys, "explain", str(tmp_path / "none.db"))
    assert (code, out) == (2, "")
    assert err.count("\n") == 1


def test_a_narrower_space_is_written_and_extends_the_present_one(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    store, file = fill_survey(tmp_path / "s.db", models=120), tmp_path / "narrow.yaml"
    code, out, err = run(capsys, "explain", str(store), "--write-space", str(file), "--json")
    assert (code, err) == (0, f"space: {file}\n")
    rows = [json.loads(line) for line in out.splitlines()]
    kept = [row["name"] for row in rows if row["table"] == "ranges"]
    assert kept
    narrower, wider = load_space(file), load_space(CONVNEXT_FILE)
    assert narrower.log10_size < wider.log10_size
    assert "that 60 networks show to be worse" in file.read_text().replace("\n ", "")


def test_a_search_is_no_survey_to_explain(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with Store.open(tmp_path / "s.db", create=True) as store:
        fill(store, 5, kind="search")
    file = tmp_path / "narrow.yaml"
    asked = ("explain", str(tmp_path / "s.db"), "--write-space", str(file))
    for more, sentence in (
        ((), "holds no survey"),
        (("--study", "toy"), "'toy' is a search, not a survey"),
    ):
        code, out, err = run(capsys, *asked, *more)
        assert (code, out) == (2, "")
        assert sentence in err
        assert err.count("\n") == 1
    assert not file.exists()
