"""The whole way: a study's network is exported, trained fully, recorded, and used without dse."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from dse.cli import main
from dse.training.images import open_images
from tests.filled import fill_survey
from tests.training import small

RECIPE = small.recipe(schedule={"epochs": 2, "warmup_epochs": 1}, images=small.PLAIN)


def run(*arguments: str) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main(list(arguments))
    assert not exit_info.value.code


def model(folder: Path) -> Any:
    """What `model.py` makes."""
    spec = importlib.util.spec_from_file_location("exported", folder / "model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Network


def test_exported_weights_give_the_error_that_the_store_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = str(fill_survey(tmp_path / "s.db", models=2))
    small.image_folder(tmp_path)
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(RECIPE.model_dump(mode="json")))
    run("export", store, "--id", "1", "-o", str(tmp_path / "best"), "--no-onnx")
    (folder,) = (tmp_path / "best").iterdir()
    images = str(tmp_path / "images")
    mine = ("--recipe", str(tmp_path / "mine.yaml"))
    run("train", str(folder / "train.yaml"), "--data", images, *mine)
    assert "recorded as network 1, full training 1 of" in capsys.readouterr().out

    result = json.loads((folder / "run" / "result.json").read_text())
    network = model(folder)(classes=3).eval()
    network.load_state_dict(torch.load(folder / "run" / "weights.pt", weights_only=True))
    test = open_images(images, RECIPE).test
    with torch.inference_mode():
        guesses = network(torch.stack([test[0, k][0] for k in range(len(test))])).argmax(1)
    wrong = sum(int(guess) != label for guess, label in zip(guesses, test.labels, strict=True))
    assert result["error"] == wrong / len(test)

    run("fidelity", store)
    said = capsys.readouterr().out
    assert f"{result['error']:.1%}"[:-1] in said
    assert "4 more" in said
    # A repeated export leaves what was trained where it is.
    run("export", store, "--id", "1", "-o", str(tmp_path / "best"), "--no-onnx")
    assert (folder / "run" / "weights.pt").exists()
