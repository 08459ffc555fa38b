"""`dse import` from a file to a store, in each kind of database."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dse.analysis.population import first_seeds, outcomes
from dse.cli import main
from dse.errors import UserError
from dse.jobs.conclude import load_conclusion
from dse.jobs.imported import Import, import_job
from dse.jobs.tables.columns import Asked
from dse.store.database import store_exists
from dse.store.store import Store
from dse.store.target import parse_target
from tests import tiny
from tests.spaces import CONVNEXT_FILE

ZOO = """\
Model;Top-1 (%);FLOPs (G);Params (M);Stem;Depth
A;82,1;4,5;28,6;patch;18
B;80,3;4,1;25,0;conv;34
C;79,9;3,9;22,1;patch;50
D;diverged;4,4;28,0;conv;18
E;;8,7;50,2;conv;34
"""


@pytest.fixture
def zoo(tmp_path: Path) -> Path:
    path = tmp_path / "zoo.csv"
    path.write_text(ZOO)
    return path


def put(zoo: Path, place: str, **changes: object) -> Import:
    options: dict[str, object] = {"name": "zoo", "store": place, "asked": Asked()}
    return import_job(file=str(zoo), **options | changes)  # type: ignore[arg-type]


def test_a_table_becomes_a_study_that_is_read_like_any_other(zoo: Path, place: str) -> None:
    found = put(zoo, place, classes=1000, test_images=50_000)
    assert not found.was_there
    with Store.open(parse_target(place, study="zoo"), read_only=True) as store:
        study, table = store.existing_study(), store.population()
        assert store.networks() == 5
    assert (study.kind, study.provenance["file"]) == ("imported", "zoo.csv")
    assert study.design["columns"]["costs"]["flops"] == ["FLOPs (G)", 1e9]
    assert len(study.design["sha256"]) == 64
    first = first_seeds(table)
    assert outcomes(first).tolist() == pytest.approx([0.179, 0.197, 0.201, float("inf")])
    assert first["flops"].tolist() == [4.5e9, 4.1e9, 3.9e9, 4.4e9]
    assert set(first["classes"]) == {1000}
    said = " ".join(found.sentences)
    assert "5 networks, 4 trainings; 1 of them ended badly; 1 network without one" in said


def test_the_same_file_again_does_nothing(zoo: Path, place: str) -> None:
    first = put(zoo, place)
    copy = zoo.with_name("copy.csv")
    copy.write_text(ZOO)
    again = put(copy, place)
    assert again.was_there
    assert again.study == first.study
    assert put(copy, place, name="zoo 2").study.provenance["file"] == "copy.csv"
    with Store.open(place, read_only=True) as store:
        assert [study.name for study in store.studies()] == ["zoo", "zoo 2"]


def test_another_file_under_the_same_name_is_refused(zoo: Path, place: str) -> None:
    put(zoo, place)
    with pytest.raises(UserError, match=r"'zoo' is there already, .* read otherwise: .*classes"):
        put(zoo, place, classes=10)
    with pytest.raises(UserError, match=r"read otherwise: .*choices"):
        put(zoo, place, asked=Asked(without=("Depth",)))
    zoo.write_text(ZOO.replace("82,1", "82,2"))
    with pytest.raises(UserError, match=r"'zoo' is there already, from zoo\.csv with other cont"):
        put(zoo, place)
    with Store.open(parse_target(place, study="zoo"), read_only=True) as store:
        assert store.population()["error"].min() == pytest.approx(0.179)


def test_nothing_is_written_of_a_table_that_cannot_be_read(zoo: Path, tmp_path: Path) -> None:
    zoo.write_text(ZOO.replace("79,9", "good"))
    with pytest.raises(UserError, match=r"zoo\.csv, row 4, column 'Top-1 \(%\)': 'good'"):
        put(zoo, str(tmp_path / "new.db"))
    zoo.write_text(ZOO)
    assert put(zoo, str(tmp_path / "new.db"), dry=True).trainings == 4
    assert not store_exists(parse_target(tmp_path / "new.db"))


def test_a_space_can_be_named(zoo: Path, tmp_path: Path) -> None:
    found = put(zoo, str(tmp_path / "s.db"), space=str(CONVNEXT_FILE))
    with Store.open(tmp_path / "s.db", read_only=True) as store:
        assert store.existing_study() == found.study
        assert store.existing_study().space["parameters"]
        assert len(store.existing_study().space_hash) == 12


def test_that_a_space_is_complete_is_kept_as_it_is_said(zoo: Path, tmp_path: Path) -> None:
    store = str(tmp_path / "s.db")
    found = put(zoo, store, complete=True)
    assert found.study.design["complete"] is True
    assert "every network of the space, as --complete says" in found.sentences[0]
    assert put(zoo, store, complete=True).was_there
    with pytest.raises(UserError, match=r"read otherwise: its design\.complete is True"):
        put(zoo, store)
    plain = put(zoo, str(tmp_path / "t.db"))
    assert "complete" not in plain.study.design
    assert "every network" not in plain.sentences[0]


def test_several_seeds_of_every_network_tell_the_seed_noise(tmp_path: Path) -> None:
    path = tmp_path / "seeds.json"
    rows = {f"n{k}": {"acc": [70 + k, 70.5 + k, 71 + k], "k": k} for k in range(5)}
    path.write_text(json.dumps(rows))
    found = put(path, str(tmp_path / "s.db"))
    assert found.study.design["repeat"] == 1.0
    summary = load_conclusion(tmp_path / "s.db").summary
    assert summary.reliability.networks == 5
    assert summary.reliability.seed_std is not None
    assert summary.reliability.seed_std.value == pytest.approx(0.005 / 2**0.5)
    assert summary.best[0].called == "n4"
    assert summary.best[0].mean_error == pytest.approx(0.255)  # over all three
    del rows["n1"]["acc"][1:]  # type: ignore[attr-defined]
    path.write_text(json.dumps(rows))
    assert put(path, str(tmp_path / "t.db")).study.design["repeat"] == 0.0
    assert load_conclusion(tmp_path / "t.db").summary.reliability.networks == 0


def test_costs_that_are_not_told_stay_unknown(tmp_path: Path) -> None:
    path = tmp_path / "zoo.csv"
    path.write_text("name,acc,flops,stem\na,80,1G,x\nb,81,,y\nc,82,2G,x\n")
    found = put(path, str(tmp_path / "s.db"))
    said = " ".join(found.sentences)
    assert "The FLOPs of 1 of 3 networks are not told" in said
    assert "The parameters of 3 of 3 networks are not told" in said
    conclusion = load_conclusion(tmp_path / "s.db")
    assert [best.flops for best in conclusion.summary.best] == [2 * 10**9, None, 10**9]
    page = conclusion.write_report().read_text()
    assert "how they were chosen and trained is not known here" in page
    assert "multiply-adds" not in page
    assert ">Widths<" not in page
    assert "plot-costs-params" not in page
    assert "plot-costs-flops" in page


def test_texts_that_all_differ_are_not_drawn(tmp_path: Path) -> None:
    path = tmp_path / "zoo.csv"
    path.write_text(
        "acc,stem,link\n" + "".join(f"{50 + k},{'xy'[k % 2]},l{k}\n" for k in range(30))
    )
    put(path, str(tmp_path / "s.db"))
    page = load_conclusion(tmp_path / "s.db").write_report().read_text()
    assert "plot-error-against-arch-stem" in page
    assert "plot-error-against-arch-link" not in page
    assert "more than 24 texts: link." in page


# The command line


@pytest.fixture
def dse(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as caught:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert isinstance(caught.value.code, int)
        return caught.value.code, captured.out, captured.err

    return run


def test_import_says_what_it_took_and_keeps_it(dse, zoo: Path, tmp_path: Path) -> None:
    store = tmp_path / "zoo.db"
    arguments = ("import", zoo, "--as", "zoo", "--store", store)
    code, out, _ = dse(*arguments, "--dry")
    assert code == 0
    assert "Column 'Top-1 (%)' is taken for the accuracy, by its name." in out
    assert "nothing was kept" in out
    assert not store.exists()
    code, out, _ = dse(*arguments)
    assert (code, f"kept as 'zoo' in {store}." in out) == (0, True)
    code, out, err = dse(*arguments, "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["network"] for row in rows] == ["A", "B", "C", "D"]
    assert rows[0]["choices"] == {"Stem": "patch", "Depth": 18}
    assert [row["state"] for row in rows] == ["complete"] * 3 + ["diverged"]
    assert "nothing was done" in err
    code, out, _ = dse("status", store)
    assert (code, "zoo (imported): 3 of 4 trainings done" in out) == (0, True)


def test_options_say_what_is_not_guessed(dse, tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text('{"01": {"e": "0,12", "cost": "4,5", "s": 3}, "12": {"e": 0.2, "cost": 5}}')
    arguments = ["import", path, "--as", "t", "--store", tmp_path / "t.db", "--json"]
    code, out, err = dse(
        *arguments,
        *("--error", "e", "--unit", "fraction", "--flops", "cost:G", "--split-key", "layer"),
        *("--map", "stem=s", "--decimal", "comma"),
    )
    assert code == 0, err
    first = json.loads(out.splitlines()[0])
    assert (first["error"], first["flops"]) == (0.12, 4_500_000_000)
    assert first["choices"] == {"stem": 3, "layer.1": 0, "layer.2": 1}
    code, _, err = dse(*arguments, "--map", "stem")
    assert (code, err.count("\n")) == (2, 1)
    assert "--map 'stem': write NEW=COLUMN" in err


def test_nothing_is_trained_measured_or_exported_where_it_was_imported(
    dse, zoo: Path, tmp_path: Path
) -> None:
    store, proxy = tmp_path / "zoo.db", tiny.write_proxy(tmp_path)
    dse("import", zoo, "--as", "zoo", "--store", store)
    survey = ("run", CONVNEXT_FILE, "--budget", "0.3GFLOPs", "--models", 2, "--proxy", proxy)
    for arguments, words in (
        (("worker", "--store", store, "--study", "zoo"), "nothing is trained or measured in it"),
        (("measure", "--store", store, "--study", "zoo"), "nothing is trained or measured in it"),
        (("confirm", store, "--study", "zoo"), "nothing is trained or measured in it"),
        (("export", store), "cannot be exported"),
        (("fidelity", store, store), "under no proxy that is known here"),
        (("search", store), "holds no search"),
        ((*survey, "--store", store, "--study", "zoo"), "it is an imported study, asked is a sur"),
        ((*survey, "--search", "tpe", "--store", store, "--study", "zoo"), "an imported study"),
    ):
        code, _, err = dse(*arguments)
        assert code == 2, arguments
        assert words in err, arguments
    with Store.open(store, read_only=True) as opened:
        assert opened.counts().total == 4
        assert len(opened.studies()) == 1
    code, out, _ = dse("report", store)
    assert (code, out.strip()) == (0, str(tmp_path / "zoo.html"))
