from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest
import yaml

from dse.architecture import Architecture, cost
from dse.cli import main
from dse.errors import UserError
from dse.jobs.conclude import load_conclusion
from dse.jobs.conclude_search import load_search
from dse.network import build
from dse.network.verify import count
from dse.space import Budget
from dse.store.store import Store
from tests import tiny
from tests.searching import NETWORKS, Searched, search
from tests.spaces import CONVNEXT_FILE


def test_a_search_never_leaves_the_budget(searched: Searched) -> None:
    """By the closed form, and for every eighth network by an independent count as well."""
    first = searched.search.population.drop_duplicates("index")
    assert len(first) == NETWORKS
    budget = Budget.parse("0.3GFLOPs")
    for row in first.itertuples():
        network = Architecture.from_dict(row.architecture)
        found = [cost(network, resolution=224)]
        found += [count(build(network))] if row.index % 8 == 0 else []
        assert all(budget.contains(counted.flops) for counted in found)
        assert {(counted.flops, counted.params) for counted in found} == {(row.flops, row.params)}


def test_a_search_trains_each_network_once_and_the_best_again(searched: Searched) -> None:
    population = searched.search.population
    assert set(population["state"]) == {"complete"}
    first, fresh = (population[population["replicate"] == r] for r in (0, 1))
    assert first["index"].tolist() == list(range(NETWORKS))
    best = first.sort_values(["error", "index"])["index"].head(4)  # 10 % of 32, rounded up
    assert sorted(fresh["index"]) == sorted(best)


def test_a_search_changes_nothing_about_the_survey_in_its_store(searched: Searched) -> None:
    before, after = searched.survey, load_conclusion(searched.store)
    assert after.study.kind == "survey"
    assert after.summary == before.summary
    pd.testing.assert_frame_equal(after.population, before.population, check_exact=True)
    pd.testing.assert_frame_equal(after.curves, before.curves, check_exact=True)
    report = after.write_report(searched.folder / "again.html")
    assert report.read_text() == (searched.folder / "study.html").read_text()
    report.unlink()


def test_a_search_is_told_apart_everywhere(searched: Searched) -> None:
    with Store.open(searched.store, read_only=True) as store:
        kinds = {study.name: study.kind for study in store.studies()}
    assert kinds == {
        searched.survey.study.name: "survey",
        searched.search.study.name: "search",
    }
    assert set(searched.search.population["study"]) == {searched.search.study.name}
    assert not set(searched.survey.population["study"]) & set(searched.search.population["study"])
    with pytest.raises(UserError, match="is a search: its networks are no sample of the space"):
        load_conclusion(searched.store, name=searched.search.study.name)
    with pytest.raises(UserError, match="is a survey, not a search"):
        load_search(searched.store, name=searched.survey.study.name)
    names = optuna.get_all_study_names(f"sqlite:///{searched.store}")
    assert sorted(names) == [
        f"{searched.survey.study.name} (survey)",
        f"{searched.search.study.name} (search)",
    ]
    seeds = [_seeds(searched.store, name) for name in kinds]
    assert seeds[0].isdisjoint(seeds[1])


def _seeds(store: Path, study: str) -> set[int]:
    query = "SELECT t.seed FROM dse_trials t JOIN dse_studies s ON s.id = t.study_id"
    with closing(sqlite3.connect(store)) as connection:
        rows = connection.execute(f"{query} WHERE s.name = ?", (study,)).fetchall()
    assert rows
    return {seed for (seed,) in rows}


def test_the_conclusion_says_that_the_best_is_selected_and_of_how_many(searched: Searched) -> None:
    text = " ".join(searched.search.summary.sentences)
    assert f"Best of n = {NETWORKS}, each asked for by tpe" in text
    assert "too good on average" in text
    assert "no sample of the space" in text
    assert f"began with trainings of the survey {searched.survey.study.name}" in text
    assert "from a fresh one" in text
    assert "no evidence about ImageNet" in text


def test_the_best_networks_are_exported_as_those_of_a_search(searched: Searched) -> None:
    folder = searched.search.best_folder
    assert folder.parent == searched.folder
    assert folder.name == f"{searched.search.study.name}.best"
    first, _ = sorted(folder.iterdir())
    document = yaml.safe_load((first / "network.yaml").read_text())
    assert document["study"]["kind"] == "search"
    assert document["name"].startswith(searched.search.study.name)
    assert (
        Architecture.from_dict(document["architecture"]).to_dict()
        == (searched.search.summary.rows[0]["architecture"])
    )


def test_the_networks_of_a_search_can_be_exported_by_number(
    searched: Searched, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = searched.search.study.name
    arguments = ["export", str(searched.store), "--study", name, "--id", "7", "-o", str(tmp_path)]
    assert run_cli(*arguments, "--no-onnx", "--json") == 0
    row = json.loads(capsys.readouterr().out)
    assert row["network"] == 7
    path = Path(row["folder"]) / "network.yaml"
    assert yaml.safe_load(path.read_text())["study"]["study"] == name
    survey = ["export", str(searched.store), "-o", str(tmp_path / "survey"), "--no-onnx"]
    assert run_cli(*survey) == 0
    first = next((tmp_path / "survey").iterdir())
    assert yaml.safe_load((first / "network.yaml").read_text())["study"]["kind"] == "survey"


def test_a_search_that_is_killed_and_resumed_by_another_crew_is_the_same(
    searched: Searched, tmp_path: Path
) -> None:
    """`python -m dse.run`, killed with SIGKILL in its second generation."""
    shutil.copy(searched.folder / "tiny.yaml", tmp_path)
    options = {"generation": 8, "models": 12, "warm_start": str(searched.store)}
    command = [sys.executable, "-m", "dse.run", str(CONVNEXT_FILE), "--budget", "0.3GFLOPs"]
    command += ["--search", "tpe", "--proxy", "tiny.yaml", "--store", "study.db", "--workers", "1"]
    command += ["--repeat", "10%", "--models", "12", "--warm-start", str(searched.store)]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
    while finished(tmp_path) < 10:
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert finished(tmp_path) < 12
    again = search(tmp_path, workers=3, **options)
    whole, found = (study.population for study in (searched.search, again))
    whole, found = (p[(p["index"] < 12) & (p["replicate"] == 0)] for p in (whole, found))
    columns = [name for name in whole if name not in tiny.UNREPEATABLE]
    pd.testing.assert_frame_equal(
        found[columns].reset_index(drop=True),
        whole[columns].reset_index(drop=True),
        check_exact=True,
    )


def finished(folder: Path) -> int:
    """How many trainings are finished, as anyone may read at any time."""
    try:
        with Store.open(folder / "study.db", read_only=True) as store:
            (study,) = [study.name for study in store.studies()]
        with Store.open(folder / "study.db", study=study, read_only=True) as store:
            return store.counts().finished
    except (UserError, ValueError):  # there is no store yet, or no study
        return 0


def test_halving_stops_trainings_and_goes_on_with_others(tmp_path: Path) -> None:
    conclusion = search(tmp_path, models=6, pruner="halving", repeat="0%")
    first = conclusion.population
    assert set(first["state"]) == {"complete", "stopped"}
    assert first.loc[first["state"] == "stopped", "error"].isna().all()
    text = " ".join(conclusion.summary.sentences)
    stopped = int((first["state"] == "stopped").sum())
    assert f"{stopped} stopped early" in text
    study = optuna.load_study(
        study_name=f"{conclusion.study.name} (search)", storage=f"sqlite:///{conclusion.store}"
    )
    assert sum(trial.state.name == "PRUNED" for trial in study.trials) == stopped
    assert len(study.best_trial.intermediate_values) == 2
    assert not (tmp_path / "study.db.checkpoints").exists()


def test_several_objectives_give_a_front(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conclusion = search(
        tmp_path, models=6, search="nsga2", objective=("params", "latency"), repeat="0%"
    )
    assert conclusion.summary.objectives == ("error", "params", "latency")
    assert conclusion.population["latency"].between(0, 10).all()
    capsys.readouterr()
    store = str(tmp_path / "study.db")
    assert run_cli("search", store, "--front", "--json") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {row["network"] for row in rows} == set(conclusion.summary.front)
    for row in rows:
        assert (row["kind"], row["best_of"], row["front"]) == ("search", 6, True)
        assert row["standard_error"] > 0
        assert row["latency"] > 0
    assert run_cli("search", store) == 0
    assert "on the Pareto front of first-seed error against params and latency" in (
        " ".join(capsys.readouterr().out.split())
    )


def run_cli(*arguments: str) -> Any:
    with pytest.raises(SystemExit) as exit_info:
        main(arguments)
    return exit_info.value.code


def test_a_search_of_other_settings_goes_into_the_same_store_beside_the_first(
    searched: Searched, tmp_path: Path
) -> None:
    for name in ("study.db", "tiny.yaml"):
        shutil.copy(searched.folder / name, tmp_path)
    other = search(tmp_path, models=2, search="cmaes", generation=2, repeat="0%")
    with Store.open(tmp_path / "study.db", read_only=True) as store:
        assert len(store.studies()) == 3
    assert load_search(tmp_path / "study.db", name=other.study.name).summary == other.summary
    with pytest.raises(UserError, match="holds several searches: name one with --study"):
        load_search(tmp_path / "study.db")


def test_a_study_name_that_another_search_has_is_refused(
    searched: Searched, tmp_path: Path
) -> None:
    for name in ("study.db", "tiny.yaml"):
        shutil.copy(searched.folder / name, tmp_path)
    name = searched.search.study.name
    with pytest.raises(UserError, match=r"its design.generation is 8, asked is 4"):
        search(tmp_path, study=name)
    with pytest.raises(UserError, match="it is a survey, asked is a search"):
        search(tmp_path, study=searched.survey.study.name)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--pruner", "halving"], "--pruner: is for a search"),
        (["--objective", "params"], "--objective: is for a search"),
        (["--search", "tpe", "--reference", "timm:x"], "--reference: is for a survey"),
        (["--search", "best"], "--search 'best': write tpe, gp, cmaes, nsga2"),
        (["--search", "tpe", "--design", "sobol"], "--design: spreads the networks of a survey"),
        (["--search", "cmaes", "--objective", "params"], "minimises the error alone"),
        (["--search", "tpe", "--objective", "size"], "--objective 'size': write error"),
        (["--search", "tpe", "--warm-start", "x.db"], "is neither a store nor a survey"),
        (["--search", "tpe", "--proxy", "nothing.yaml"], "nothing.yaml"),
    ],
)
def test_a_mistake_gets_one_sentence_and_leaves_nothing_behind(
    arguments: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_cli("run", str(CONVNEXT_FILE), *arguments) == 2
    error = capsys.readouterr().err
    assert told in error
    assert len(error.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_store_without_a_search_says_how_to_start_one(tmp_path: Path) -> None:
    Store.open(tmp_path / "s.db", create=True).close()
    with pytest.raises(UserError, match="holds no search; `dse run SPACE --search tpe` starts one"):
        load_search(tmp_path / "s.db")
