from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pandas as pd
import pytest
import yaml

from dse.architecture import Architecture
from dse.cli import main
from dse.errors import UserError
from dse.jobs.conclude import load_conclusion
from dse.network import build
from dse.network.verify import count
from dse.space import Budget
from tests import tiny
from tests.spaces import CONVNEXT_FILE


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished study; tests do not change it."""
    folder = tmp_path_factory.mktemp("finished")
    tiny.study(folder)
    return folder


def test_a_study_trains_each_network_and_the_chosen_second_seeds(finished: Path) -> None:
    population = load_conclusion(finished / "study.db").population
    assert set(population["state"]) == {"complete"}
    first, second = (population[population["replicate"] == r] for r in (0, 1))
    assert first["index"].tolist() == [0, 1, 2, 3, 4]
    best = first.sort_values(["error", "index"])["index"].head(2)
    assert set(second["index"]) == {0, 1, *best}


def test_every_network_is_in_the_window_by_an_independent_count(finished: Path) -> None:
    population = load_conclusion(finished / "study.db").population
    for row in population.drop_duplicates("index").itertuples():
        counted = count(build(Architecture.from_dict(row.architecture)))
        assert Budget.parse("0.3GFLOPs").contains(counted.flops)
        assert (counted.flops, counted.params) == (row.flops, row.params)


def test_a_study_leaves_store_report_and_export_and_nothing_else(finished: Path) -> None:
    assert sorted(path.name for path in finished.iterdir()) == [
        "study.best",
        "study.db",
        "study.html",
        "study.logs",
        "tiny.yaml",
    ]
    assert len(list((finished / "study.best").iterdir())) == 2
    assert "no evidence about ImageNet" in (finished / "study.html").read_text()


def test_the_best_exported_network_carries_its_results_and_where_they_come_from(
    finished: Path,
) -> None:
    path = min((finished / "study.best").iterdir())
    document = yaml.safe_load((path / "network.yaml").read_text())
    best = load_conclusion(finished / "study.db").summary.best[0]
    assert document["name"].endswith(f"network-{best.index:04d}")
    assert document["proxy_result"]["trainings"][0]["error"] == best.first_error
    assert "no evidence about ImageNet" in document["proxy_result"]["caution"]
    assert document["study"]["devices"]
    assert document["study"]["budget"]["target"] == 3e8


@pytest.mark.parametrize("workers", [1, 4])
def test_any_number_of_workers_gives_the_same_networks_and_errors(
    finished: Path, tmp_path: Path, workers: int
) -> None:
    other = tiny.study(tmp_path, workers=workers)
    two = load_conclusion(finished / "study.db")
    pd.testing.assert_frame_equal(tiny.results(two), tiny.results(other), check_exact=True)
    pd.testing.assert_frame_equal(two.curves, other.curves, check_exact=True)


def test_more_models_extend_a_finished_study_and_retrain_nothing(tmp_path: Path) -> None:
    before = tiny.study(tmp_path, models=3)
    starts = _starts(tmp_path / "study.db")
    after = tiny.study(tmp_path, models=5)
    kept = after.population.merge(before.population[["index", "replicate"]])
    pd.testing.assert_frame_equal(kept, before.population)
    assert _starts(tmp_path / "study.db").items() >= starts.items()
    assert after.population["index"].nunique() == 5


def test_fewer_models_than_there_are_conclude_on_all(finished: Path) -> None:
    before = load_conclusion(finished / "study.db").population
    again = tiny.study(finished, models=2)
    assert again.summary.networks == 5
    pd.testing.assert_frame_equal(again.population, before)


def test_a_finished_study_with_a_diverged_network_says_that_nothing_is_left(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(finished / "study.db", tmp_path)
    population = load_conclusion(tmp_path / "study.db").population
    repeated = set(population.loc[population["replicate"] == 1, "index"])
    index = min(set(population["index"]) - repeated)
    with sqlite3.connect(tmp_path / "study.db") as connection:
        connection.execute(
            f"update dse_trials set state = 'diverged', error = null where \"index\" = {index}"
        )
    tiny.study(tmp_path)
    out = capsys.readouterr().out
    assert "none left to do" in out
    assert "Estimated time" not in out


def test_brackets_in_the_name_of_a_store_are_printed_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dse.jobs.survey.hand_over", lambda *_: None)
    name = "k[/red][bold]q.db"
    tiny.study(tmp_path, store=name, models=2, repeat="0%")
    tiny.study(tmp_path, store=name, models=1, repeat="0%")
    out = capsys.readouterr().out
    assert f"{name} (store)" in out
    assert f"{name} holds 2 networks already" in out


def test_a_time_that_cannot_be_estimated_is_said_and_the_study_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("dse.jobs.survey.seconds_per_training", lambda *_: None)
    assert tiny.study(tmp_path, models=1, repeat="0%").summary.networks == 1
    assert "The time cannot be estimated" in capsys.readouterr().out


def test_a_mirror_that_cannot_be_written_is_a_warning_after_the_report(
    finished: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fails(*_: object) -> None:
        assert (tmp_path / "study.html").exists()
        raise UserError("s[/red].db: Optuna's mirror cannot be written.")

    shutil.copy(finished / "study.db", tmp_path)
    monkeypatch.setattr("dse.jobs.survey.mirror", fails)
    tiny.study(tmp_path)
    assert "warning: s[/red].db: Optuna's mirror cannot be written." in capsys.readouterr().out


def test_another_study_is_refused_before_its_networks_are_drawn(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dse.jobs.survey.sample_all", lambda *_: pytest.fail("networks were drawn"))
    with pytest.raises(UserError, match="its seed is 0, asked is 1"):
        tiny.study(finished, seed=1, models=100_000)


def test_a_space_under_another_name_resumes_the_study(finished: Path, tmp_path: Path) -> None:
    renamed = tmp_path / "renamed.yaml"
    renamed.write_text(CONVNEXT_FILE.read_text().replace("name: convnext", "name: renamed"))
    before = load_conclusion(finished / "study.db").population
    again = tiny.study(finished, space=str(renamed)).population
    pd.testing.assert_frame_equal(again, before)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"seed": 1}, "its seed is 0, asked is 1"),
        ({"budget": "0.4GFLOPs"}, "its budget.target is 3"),
        ({"repeat": "50%"}, "its design.repeat is 0.4"),
        ({"proxy": "embedded"}, "its proxy"),
    ],
)
def test_a_store_of_another_study_is_refused_with_what_differs(
    finished: Path, changes: dict[str, str], sentence: str
) -> None:
    before = load_conclusion(finished / "study.db").population
    with pytest.raises(UserError, match=sentence):
        tiny.study(finished, **changes)
    pd.testing.assert_frame_equal(load_conclusion(finished / "study.db").population, before)


def test_a_store_of_another_space_is_refused_with_the_choice_that_differs(
    finished: Path, tmp_path: Path
) -> None:
    space = tmp_path / "other.yaml"
    space.write_text(CONVNEXT_FILE.read_text().replace("[linear, conv]", "[conv]"))
    with pytest.raises(UserError, match=r"pointwise is .*linear, conv.* there and .*conv.* here"):
        tiny.study(finished, space=str(space))


def test_a_proxy_too_small_for_the_stages_is_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    proxy = tmp_path / "small.yaml"
    proxy.write_text(tiny.PROXY.replace("resolution: 32", "resolution: 16"))
    with pytest.raises(UserError, match="proxy: the image is too small for 4 stages"):
        tiny.study(tmp_path, proxy=str(proxy))
    assert not (tmp_path / "study.db").exists()


def test_report_and_export_read_a_finished_store(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, page, folder = finished / "study.db", tmp_path / "r.html", tmp_path / "nets"
    for arguments in (
        ["report", str(store), "-o", str(page)],
        ["export", str(store), "--id", "3", "--id", "1", "--no-onnx", "-o", str(folder)],
    ):
        with pytest.raises(SystemExit) as exit_info:
            main(arguments)
        assert exit_info.value.code == 0
    assert page.stat().st_size > 1_000_000
    ranks = {ranked.index: ranked.rank for ranked in load_conclusion(store).summary.best}
    names = [f"rank-0{ranks[index]}-network-000{index}" for index in (1, 3)]
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)
    assert str(page) in capsys.readouterr().out


def _starts(store: Path) -> dict[int, str]:
    """When each trial of a store was started."""
    with sqlite3.connect(store) as connection:
        return dict(connection.execute("select id, started from dse_trials").fetchall())
