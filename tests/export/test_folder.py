from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
import yaml

from dse.analysis.ranking import Ranked, rank
from dse.architecture import Architecture, cost
from dse.architecture.catalog import find_architecture
from dse.config import load_config
from dse.errors import UserError
from dse.export.folder import Source, export_networks
from dse.export.form import Form
from dse.export.place import FILES
from dse.network import build
from dse.training.recipe import Training

SMALL = Architecture(depths=(1, 1, 1, 1), dims=(8, 16, 24, 32))
NETWORKS = (
    SMALL,
    dataclasses.replace(SMALL, ls_init_value=None),
    dataclasses.replace(SMALL, norm_layer="batch_norm"),
)
STUDY = {"space": "test", "budget": {"flops": 4.5e9}}


def population() -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for index, network in enumerate(NETWORKS):
        counted = cost(network)
        for replicate in (0, 1):
            rows.append(
                {
                    "study": "s",
                    "index": index,
                    "replicate": replicate,
                    "state": "complete" if index < 2 else "diverged",
                    "error": 0.5 + index / 10 if index < 2 else float("nan"),
                    "test_images": 100,
                    "flops": counted.flops,
                    "params": counted.params,
                    "activations": counted.activations,
                    "architecture": network.to_dict(),
                }
            )
    return pd.DataFrame(rows)


def ranked() -> dict[int, Ranked]:
    """Networks 0 (no finalist) and 1 (a finalist) have a rank, the diverged network 2 has none."""
    found = rank(population(), finalists=1, seed_std=None)
    places = {entry.index: entry for entry in found if entry.ended_well}
    return {0: dataclasses.replace(places[0], finalist=False, rank=2)} | {
        1: dataclasses.replace(places[1], finalist=True, rank=1)
    }


def source(caution: str | None = None, store: str | None = None) -> Source:
    return Source(
        population=population(), ranked=ranked(), study=STUDY, caution=caution, store=store
    )


def export(folder: Path, *indices: int, **options: Any) -> list[Path]:
    rows = export_networks(source(), indices, folder, Form(**options))
    return [Path(row["folder"]) for row in rows]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_each_network_is_a_folder_that_reads_back_as_the_same_network(tmp_path: Path) -> None:
    rows = export_networks(source("Careful."), [2, 0], tmp_path / "best", Form())
    paths = [Path(row["folder"]) for row in rows]
    assert [p.name for p in paths] == ["network-0002", "rank-02-network-0000"]
    assert [find_architecture(str(p / "network.yaml")) for p in paths] == [NETWORKS[2], NETWORKS[0]]
    document = yaml.safe_load((paths[1] / "network.yaml").read_text())
    assert document["cost"]["flops"] == cost(NETWORKS[0]).flops
    assert "multiply-adds" in document["cost"]["convention"]
    assert document["proxy_result"]["caution"] == "Careful."
    assert [t["error"] for t in document["proxy_result"]["trainings"]] == [0.5, 0.5]
    assert document["study"] == STUDY
    diverged = yaml.safe_load((paths[0] / "network.yaml").read_text())["proxy_result"]["trainings"]
    assert (diverged[0]["state"], diverged[0]["error"]) == ("diverged", None)
    assert [(row["rank"], row["network"], row["flops"]) for row in rows] == [
        (None, 2, cost(NETWORKS[2]).flops),
        (2, 0, cost(NETWORKS[0]).flops),
    ]


def test_a_folder_holds_what_there_is_of_its_network(tmp_path: Path) -> None:
    odd, usual = export(tmp_path, 2, 0)
    assert names(odd) == ["README.md", "model.py", "network.yaml", "train.yaml"]
    assert names(usual) == [
        *("README.md", "huggingface", "model.py", "network.yaml", "timm.yaml", "train.yaml"),
    ]
    (row, _) = export_networks(source(), [2, 0], tmp_path, Form())
    assert "batch norm goes with 1x1 convolutions" in row["timm"]
    assert "its norm is layer norm" in row["huggingface"]
    assert "--onnx" in row["onnx"]


def test_the_training_is_told_with_every_value_and_where_it_is_from(tmp_path: Path) -> None:
    (row,) = export_networks(source(store="/there/s.db"), [1], tmp_path, Form())
    path = Path(row["folder"]) / "train.yaml"
    training = load_config(Training, path)
    assert training.network == "network.yaml"
    assert training.origin is not None
    assert training.origin.model_dump() == {"store": "/there/s.db", "study": "s", "index": 1}
    assert training.recipe == Form().recipe
    assert set(yaml.safe_load(path.read_text())["recipe"]) == set(
        type(training.recipe).model_fields
    )


def test_an_older_export_is_replaced_and_other_files_are_left_alone(tmp_path: Path) -> None:
    export(tmp_path, 0, 1)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "network-0009.yaml").write_text("of an earlier version")
    (tmp_path / "rank-02-network-0000" / "__pycache__").mkdir()
    (tmp_path / "rank-02-network-0000" / "__pycache__" / "model.pyc").write_text("")
    export(tmp_path, 2)
    (path,) = export(tmp_path, 1)
    assert names(tmp_path) == ["notes.txt", "rank-01-network-0001"]
    (path / "timm.yaml").unlink()
    (path / "model.onnx").write_text("older")
    (path / "model.py").write_text("older")
    export(tmp_path, 1)
    assert "model.onnx" not in names(path)
    assert (path / "timm.yaml").exists()
    assert "class Network" in (path / "model.py").read_text()


def test_a_persons_training_survives_every_export(tmp_path: Path) -> None:
    (path,) = export(tmp_path, 1)
    (path / "run").mkdir()  # as a training does first of all
    export(tmp_path, 0)
    assert names(path / "run") == []
    (path / "run" / "weights.pt").write_text("trained")
    (path / "train.yaml").write_text("mine")
    (path / "model.py").write_text("older")
    export(tmp_path, 1, classes=5)
    assert (path / "train.yaml").read_text() == "mine"
    assert "classes: int = 5" in (path / "model.py").read_text()
    before = {file: file.stat().st_mtime_ns for file in path.rglob("*")}
    export(tmp_path, 0)
    assert {file: file.stat().st_mtime_ns for file in path.rglob("*")} == before
    assert names(tmp_path) == ["rank-01-network-0001", "rank-02-network-0000"]


def test_a_training_of_another_network_is_not_written_over(tmp_path: Path) -> None:
    (path,) = export(tmp_path, 1)
    (path / "run.txt").write_text("trained")
    document = yaml.safe_load((path / "network.yaml").read_text())
    document["architecture"]["dims"] = [8, 16, 24, 64]
    (path / "network.yaml").write_text(yaml.safe_dump(document))
    with pytest.raises(UserError, match="perhaps a training of another network"):
        export(tmp_path, 0, 1)
    assert names(tmp_path) == ["rank-01-network-0001"]


def test_nothing_half_written_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dse.export.contents.card", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export(tmp_path, 1)
    assert not list(tmp_path.iterdir())


def test_rank_is_the_studys_and_selection_is_noted_of_finalists_alone(tmp_path: Path) -> None:
    paths = export(tmp_path, 1, 1, 0, 2)
    assert [p.name for p in paths] == [
        "rank-01-network-0001",
        "rank-02-network-0000",
        "network-0002",
    ]
    results = [yaml.safe_load((p / "network.yaml").read_text())["proxy_result"] for p in paths]
    assert [result["rank"] for result in results] == [1, 2, None]
    assert ["selection" in result["note"] for result in results] == [True, False, False]


def test_an_unknown_network_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="network 7 is not in this study; it has 0 to 2"):
        export(tmp_path / "best", 0, 7)
    assert not (tmp_path / "best").exists()


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "best").write_text("")
    with pytest.raises(UserError, match="is a file"):
        export(tmp_path / "best", 0)


def test_onnx_has_the_weights_of_a_training(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    trained = build(NETWORKS[1], classes=4).eval()
    torch.save(trained.state_dict(), tmp_path / "weights.pt")
    recipe = Form().recipe
    images = recipe.images.model_copy(update={"resolution": 32})
    (path,) = export(
        tmp_path / "best",
        1,
        classes=4,
        recipe=recipe.model_copy(update={"images": images}),
        weights=tmp_path / "weights.pt",
        onnx=True,
    )
    assert set(names(path)) == {name.split("/")[0] for name in FILES}
    batch = torch.randn(2, 3, 32, 32)
    session = onnxruntime.InferenceSession(path / "model.onnx")
    (found,) = session.run(None, {"images": batch.numpy()})
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(found), trained(batch), rtol=1e-4, atol=1e-4)
    assert "with the weights it was given" in (path / "README.md").read_text()


@pytest.mark.parametrize(
    ("content", "indices", "sentence"),
    [
        ({"a": torch.zeros(1)}, (1,), "are missing"),
        ([1, 2], (1,), "something else than a state dict"),
        (SMALL, (1,), "no state dict that torch can read safely"),
        (None, (1,), "weights.pt: cannot be read"),
        ({}, (0, 1), "name it with --id"),
    ],
)
def test_weights_that_are_not_of_the_one_network_are_refused(
    tmp_path: Path, content: Any, indices: tuple[int, ...], sentence: str
) -> None:
    if content is not None:
        torch.save(content, tmp_path / "weights.pt")
    with pytest.raises(UserError, match=sentence):
        export(tmp_path / "best", *indices, weights=tmp_path / "weights.pt")
    assert not (tmp_path / "best").exists() or not list((tmp_path / "best").iterdir())
