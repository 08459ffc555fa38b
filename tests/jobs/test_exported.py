"""`dse export`: options become what lies in the folders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dse.architecture.catalog import find_architecture
from dse.cli import main
from dse.config import load_config
from dse.errors import UserError
from dse.jobs import exported
from dse.jobs.conclude import load_conclusion
from dse.jobs.exported import best_sentence, make_form, place_for_files
from dse.store.target import parse_target
from dse.training.recipe import Training
from tests.filled import fill_survey


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill_survey(tmp_path_factory.mktemp("study") / "s.db", models=4)


def test_options_reach_the_files(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.yaml").write_text("batch_size: 64\nimages: {test_resolution: 96}\n")
    options = ["--recipe", str(tmp_path / "mine.yaml"), "--classes", "10", "--resolution", "64"]
    with pytest.raises(SystemExit) as exit_info:
        main(["export", str(store), "--top", "2", "-o", str(tmp_path / "x"), "--no-onnx", "--json"])
    assert not exit_info.value.code
    assert len(capsys.readouterr().out.splitlines()) == 2
    arguments = ["export", str(store), "--id", "3", "-o", str(tmp_path / "y"), "--no-onnx"]
    with pytest.raises(SystemExit) as exit_info:
        main([*arguments, *options, "--json"])
    assert not exit_info.value.code
    row = json.loads(capsys.readouterr().out)
    assert list(row) == [
        *("rank", "network", "folder", "flops", "params", "activations"),
        *("timm", "huggingface", "onnx"),
    ]
    folder = Path(row["folder"])
    training = load_config(Training, folder / "train.yaml")
    assert training.recipe.batch_size == 64
    assert (training.recipe.images.resolution, training.recipe.images.test_resolution) == (64, None)
    assert training.origin is not None
    assert (training.origin.store, training.origin.index) == (str(store.absolute()), 3)
    assert "classes: int = 10" in (folder / "model.py").read_text()
    drawn = load_conclusion(store).population.set_index("index").loc[3, "architecture"]
    assert find_architecture(str(folder / "network.yaml")).to_dict() == drawn


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--recipe", "imagnet"], "recipe 'imagnet': .*imagenet"),
        (["--recipe", "none.yaml"], "none.yaml: there is no such file"),
        (["--id", "99"], "network 99 is not in this study; it has 0 to 3"),
        (["--weights", "w.pt", "--top", "2"], "name it with --id"),
    ],
)
def test_a_mistake_is_told_before_anything_is_written(
    store: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    sentence: str,
) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main(["export", str(store), "-o", str(tmp_path / "x"), "--no-onnx", *options])
    assert exit_info.value.code == 2
    error = capsys.readouterr().err
    with pytest.raises(UserError, match=sentence):
        raise UserError(error)
    assert not (tmp_path / "x").exists()


def test_onnx_is_left_out_where_it_is_not_installed_unless_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exported, "missing_for_onnx", lambda: "it is not installed.")
    assert make_form(onnx=None).onnx
    assert not make_form(onnx=False).onnx
    with pytest.raises(UserError, match="--onnx: it is not installed"):
        make_form(onnx=True)


def test_a_run_says_what_adds_onnx_to_its_folders() -> None:
    target = parse_target("a study.db", study="mine")
    assert best_sentence([{"folder": "x/rank-01-network-0000"}], target, 3) == (
        "Best networks: x (`dse export 'a study.db' --study mine --top 3` adds ONNX)"
    )


def test_no_password_is_written_into_a_folder() -> None:
    target = parse_target("postgresql://me:secret@host/db")
    assert place_for_files(target) == "postgresql://me@host/db"
