"""What the verbs show of full trainings, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dse.architecture import Architecture
from dse.dashboard.view import View
from dse.jobs.shown import read_study_data, read_view
from dse.jobs.trained import record_training
from dse.jobs.watching import WatchedStore
from dse.store.store import Store
from dse.store.target import parse_target
from dse.training.recipe import Origin
from tests.filled import fill_survey
from tests.test_cli import run
from tests.training.test_trained import trained

ERRORS = {3: 0.1, 5: 0.2, 8: None, 11: 0.15, 20: 0.3}
FULL = "convnext-4.5GFLOPs-full-"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill_survey(tmp_path_factory.mktemp("plain") / "s.db")


@pytest.fixture(scope="module")
def store(plain: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A survey of 24 networks, five of which were trained fully, one in vain."""
    path = tmp_path_factory.mktemp("full") / "s.db"
    path.write_bytes(plain.read_bytes())
    with Store.open(path, read_only=True) as opened:
        networks = opened.candidates()
        name = opened.existing_study().name
    for index, error in ERRORS.items():
        ended = trained(
            network=Architecture.from_dict(networks[index].architecture),
            index=index,
            error=error,
            state="complete" if error else "diverged",
            reason=None if error else "the loss became NaN",
        )
        record_training(Origin(store=str(path), study=name, index=index), ended)
    return path


def full_study(store: Path) -> str:
    with Store.open(store, read_only=True) as opened:
        (name,) = [study.name for study in opened.studies() if study.kind == "training"]
    return name


def test_fidelity_of_one_store_compares_its_survey_with_its_full_trainings(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "fidelity", str(store), "--json")
    assert code == 0, err
    rows = [json.loads(line) for line in out.splitlines()]
    tau = rows[0]
    assert (tau["what"], tau["n"], tau["needed"]) == ("kendall_tau_b", 5, 0)
    assert -1 <= tau["lower"] <= tau["value"] <= tau["upper"] <= 1
    shown = {row["network"]: row["error"] for row in rows if row["what"] == "full_training"}
    assert shown == ERRORS
    code, out, _ = run(capsys, "fidelity", str(store))
    words = " ".join(out.split())
    assert "95 % interval" in words
    assert "n = 5): of two networks" in words
    assert "no random sample" in words
    assert "cut by selection" in words


def test_fidelity_of_one_store_refuses_what_it_has_no_use_for(
    store: Path, plain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, sentence in (
        ((str(plain),), "holds no full training of a network of 'convnext-4.5GFLOPs'"),
        ((str(store), "-o", "x.html"), "--output: one store is read as it is"),
        ((str(store), "--models", "3"), "--models: one store is read as it is"),
        ((f"{store}::{full_study(store)}",), "is a record of full trainings"),
        ((str(store.with_name("none.db")),), "there is no store here"),
    ):
        code, out, err = run(capsys, "fidelity", *arguments)
        assert (code, out) == (2, "")
        assert sentence in err


def test_status_has_a_table_of_full_trainings(
    store: Path, plain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "status", str(store))
    assert code == 0, err
    assert f"{full_study(store)} (training): 4 of 5 trainings done, 1 diverged" in out
    table = out.partition("Full trainings")[2]
    assert table.count("toy (0123456789ab)") == len(ERRORS)
    assert "10.0 %" in table
    assert "(n = 200)" in table
    code, out, _ = run(capsys, "status", str(plain))
    assert "Full trainings" not in out
    code, out, _ = run(capsys, "status", str(store), "--json")
    kinds = [json.loads(line)["kind"] for line in out.splitlines()]
    assert kinds == ["survey", "training"]


def test_a_report_of_the_survey_has_the_table_and_the_same_conclusion(
    store: Path, plain: Path
) -> None:
    (study,) = read_view([parse_target(store)]).studies
    (before,) = read_view([parse_target(plain)]).studies
    assert study.kind == "survey"
    assert study.summary == before.summary
    assert [each.index for each in study.full] == list(ERRORS)
    assert study.keeping is not None
    some = study.keeping(study.population[study.population["index"] < 6])
    assert [each.index for each in some.full] == [3, 5]


def test_reports_of_either_study_can_be_written(
    store: Path, plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = str(tmp_path / "r.html")
    both = ("--study", full_study(store), "--study", "convnext-4.5GFLOPs")
    for arguments in ((), ("--study", full_study(store)), both, ("--dashboard", "live")):
        code, _, err = run(capsys, "report", str(store), *arguments, "-o", output)
        assert code == 0, err
        page = Path(output).read_text(encoding="utf-8")
        assert page.count('id="full_trainings"') == 1
        assert "are no random sample" in page
    code, _, _ = run(capsys, "report", str(plain), "-o", output)
    assert 'id="full_trainings"' not in Path(output).read_text(encoding="utf-8")


def test_each_full_training_is_shown_once_where_both_studies_are(store: Path) -> None:
    from dse.dashboard.panels import PANELS
    from dse.dashboard.panels.base import Options

    names = ("convnext-4.5GFLOPs", full_study(store))
    view = View(studies=tuple(read_study_data(parse_target(store, study=n)) for n in names))
    section = PANELS["full_trainings"].draw(view, Options())
    assert section is not None
    assert str(section.blocks[0]).count("<tr>") == 1 + len(ERRORS)


def test_the_live_page_shows_them_as_a_study_of_their_own(store: Path) -> None:
    watched = WatchedStore(store)
    watched.look_or_raise()
    watched.read_or_raise()
    assert [live.kind for live in watched.lives] == ["survey", "training"]
    survey, full = watched.tables.studies
    assert survey.is_sample
    assert not full.is_sample
    assert [each.index for each in full.full] == list(ERRORS)
    watched.stop()


@pytest.mark.parametrize(
    ("verb", "more"),
    [
        ("explain", ()),
        ("confirm", ()),
        ("search", ()),
        ("export", ("--top", "1")),
        ("compare", ("STORE",)),
        ("measure", ()),
    ],
)
def test_verbs_about_a_sample_or_about_training_refuse_it_by_name(
    verb: str, more: tuple[str, ...], store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = full_study(store)
    arguments = {
        "compare": [f"{store}::{name}", str(store)],
        "measure": ["--store", str(store), "--study", name],
    }.get(verb, [str(store), "--study", name, *more])
    code, _, err = run(capsys, verb, *arguments)
    assert code == 2
    assert "record" in err
    assert "of full trainings" in err or "records full trainings" in err
