"""`dse train` as a verb: what it leaves, says, refuses, and does not do twice."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from dse.architecture import Architecture
from dse.cli import main
from dse.network import build
from dse.training.report import Report
from tests.training import small
from tests.training.test_loop import Ends

SHORT = small.recipe(schedule={"epochs": 2, "warmup_epochs": 1}, images=small.PLAIN)


def train(folder: Path, *more: str) -> int:
    """Run the verb in this process on the folder's configuration; its exit code."""
    with pytest.raises(SystemExit) as exit_info:
        main(["train", str(folder / "train.yaml"), "--data", str(folder / "images"), *more])
    code = exit_info.value.code
    assert isinstance(code, int)
    return code


def test_a_finished_training_leaves_weights_and_a_result_and_is_done_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small.write_training(tmp_path, SHORT)
    assert train(tmp_path) == 0
    assert "Epoch 2 of 2: training loss" in capsys.readouterr().out
    run = tmp_path / "run"
    assert sorted(path.name for path in run.iterdir()) == [
        "log.csv",
        "result.json",
        "tensorboard",
        "weights.pt",
    ]
    result = json.loads((run / "result.json").read_text())
    assert (result["state"], result["test_images"], result["classes"]) == ("complete", 21, 3)
    interval = result["error_interval"]
    assert 0 <= interval["low"] <= result["error"] <= interval["high"] <= 1
    assert result["epochs"][-1]["error"] == result["error"]
    assert result["cost"]["convention"].startswith("FLOPs = multiply-adds")
    weights = torch.load(run / "weights.pt", weights_only=True)
    network = build(Architecture.from_dict(small.SMALL), classes=3)
    network.load_state_dict(weights, strict=True)
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}

    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    assert train(tmp_path) == 0
    assert "this training has ended already" in capsys.readouterr().out
    assert before == {path: path.stat().st_mtime_ns for path in run.rglob("*")}


def test_what_the_result_says_is_what_the_weights_give(tmp_path: Path) -> None:
    small.write_training(tmp_path, SHORT)
    assert train(tmp_path) == 0
    weights = torch.load(tmp_path / "run" / "weights.pt", weights_only=True)
    network = build(Architecture.from_dict(small.SMALL), classes=3).eval()
    network.load_state_dict(weights)
    sets = small.open_images(str(tmp_path / "images"), SHORT)
    images = [sets.test[0, k] for k in range(len(sets.test))]
    with torch.inference_mode():
        guesses = network(torch.stack([image for image, _ in images])).argmax(1)
    wrong = sum(int(guess) != label for guess, (_, label) in zip(guesses, images, strict=True))
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["error"] == wrong / 21


def test_epochs_and_the_result_are_json_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small.write_training(tmp_path, SHORT)
    assert train(tmp_path, "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line.get("epoch") for line in lines] == [1, 2, None]
    assert lines[-1]["state"] == "complete"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_command_with_its_code_and_a_way_on(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
    code: int,
) -> None:
    small.write_training(tmp_path, SHORT)
    report = Ends(2, 5, number)  # so that the last step of all is done, but nothing evaluated

    @contextmanager
    def reporting(*_: Any, **__: Any) -> Iterator[Report]:
        yield report

    monkeypatch.setattr("dse.jobs.train.reporting", reporting)
    assert train(tmp_path, "--keep-every", "0") == code
    assert report.notes[-1] == f"Stopped and kept in {tmp_path / 'run'}; the same command goes on."
    assert not (tmp_path / "run" / "result.json").exists()
    report.place = (0, 0)
    assert train(tmp_path) == 0
    assert "Goes on from epoch 2, step 6 of 6." in report.notes
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_a_diverged_training_is_told_kept_and_has_an_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wild = small.recipe(
        schedule={"epochs": 2, "warmup_epochs": 0, "learning_rate": 100},
        optimizer={"name": "sgd", "weight_decay": 0.0},
        ema=None,
    )
    small.write_training(tmp_path, wild)
    for _ in range(2):
        assert train(tmp_path) == 1
        assert "Diverged: the training loss became nan at step" in capsys.readouterr().out
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert (result["state"], result["error"]) == ("diverged", None)
    assert not (tmp_path / "run" / "weights.pt").exists()


def test_a_folder_with_another_training_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small.write_training(tmp_path, SHORT)
    assert train(tmp_path) == 0
    small.write_training(tmp_path, SHORT.model_copy(update={"seed": 1}))
    assert train(tmp_path) == 2
    assert "result.json: is of a training with another recipe" in capsys.readouterr().err
    assert train(tmp_path, "-o", str(tmp_path / "train.yaml")) == 2
    assert "is a file; name a folder" in capsys.readouterr().err


def test_initial_weights_are_loaded_and_what_is_not_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small.write_training(tmp_path, SHORT, initial="start.pt")
    network = build(Architecture.from_dict(small.SMALL), classes=7)
    torch.save(network.state_dict(), tmp_path / "start.pt")
    frozen = SHORT.model_copy(update={"ema": 0.999999})  # stays where it begins
    small.write_training(tmp_path, frozen, initial="start.pt")
    assert train(tmp_path) == 0
    assert "another shape (7, 16) instead of (3, 16)" in capsys.readouterr().out
    weights = torch.load(tmp_path / "run" / "weights.pt", weights_only=True)
    stem = next(name for name in weights if name.startswith("stem"))
    torch.testing.assert_close(weights[stem], network.state_dict()[stem], rtol=0, atol=1e-5)


def test_a_store_that_is_gone_harms_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    origin = {"store": str(tmp_path / "gone.db"), "study": "s", "index": 3}
    small.write_training(tmp_path, SHORT, origin=origin)
    assert train(tmp_path) == 0
    assert "not recorded in the study:" in capsys.readouterr().out
    assert json.loads((tmp_path / "run" / "result.json").read_text())["origin"] == origin


def test_mistakes_are_one_sentence_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = small.write_training(tmp_path, SHORT)
    assert train(tmp_path, "--micro-batch", "3") == 2
    assert "--micro-batch 3: must be even" in capsys.readouterr().err
    path.write_text(yaml.safe_dump({"network": "none.yaml"}))
    assert train(tmp_path) == 2
    assert "none.yaml: there is no such file" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
