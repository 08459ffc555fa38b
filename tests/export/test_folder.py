from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from dse.analysis.ranking import Ranked, rank
from dse.architecture import Architecture, cost
from dse.architecture.catalog import find_architecture
from dse.errors import UserError
from dse.export.folder import export_networks

NETWORKS = (Architecture(), Architecture(ls_init_value=None), Architecture(norm_layer="batch_norm"))
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


def test_each_network_is_a_file_that_reads_back_as_the_same_network(tmp_path: Path) -> None:
    paths = export_networks(
        population(), [2, 0], tmp_path / "best", ranked=ranked(), study=STUDY, caution="Careful."
    )
    assert [p.name for p in paths] == ["network-0002.yaml", "rank-02-network-0000.yaml"]
    assert [find_architecture(str(p)) for p in paths] == [NETWORKS[2], NETWORKS[0]]
    document = yaml.safe_load(paths[1].read_text())
    assert document["cost"]["flops"] == cost(NETWORKS[0]).flops
    assert "multiply-adds" in document["cost"]["convention"]
    assert document["proxy_result"]["caution"] == "Careful."
    assert [t["error"] for t in document["proxy_result"]["trainings"]] == [0.5, 0.5]
    assert document["study"] == STUDY
    diverged = yaml.safe_load(paths[0].read_text())["proxy_result"]["trainings"][0]
    assert (diverged["state"], diverged["error"]) == ("diverged", None)


def test_an_older_export_is_replaced_and_other_files_are_left_alone(tmp_path: Path) -> None:
    export_networks(population(), [0, 1], tmp_path, ranked=ranked(), study=STUDY)
    (tmp_path / "notes.txt").write_text("mine")
    export_networks(population(), [2], tmp_path, ranked=ranked(), study=STUDY)
    export_networks(population(), [1], tmp_path, ranked=ranked(), study=STUDY)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["notes.txt", "rank-01-network-0001.yaml"]


def test_rank_is_the_studys_and_selection_is_noted_of_finalists_alone(tmp_path: Path) -> None:
    paths = export_networks(population(), [1, 1, 0, 2], tmp_path, ranked=ranked(), study=STUDY)
    assert [p.name for p in paths] == [
        "rank-01-network-0001.yaml",
        "rank-02-network-0000.yaml",
        "network-0002.yaml",
    ]
    results = [yaml.safe_load(p.read_text())["proxy_result"] for p in paths]
    assert [result["rank"] for result in results] == [1, 2, None]
    assert ["selection" in result["note"] for result in results] == [True, False, False]


def test_an_unknown_network_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="network 7 is not in this study; it has 0 to 2"):
        export_networks(population(), [0, 7], tmp_path / "best", ranked=ranked(), study=STUDY)
    assert not (tmp_path / "best").exists()


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "best").write_text("")
    with pytest.raises(UserError, match="is a file"):
        export_networks(population(), [0], tmp_path / "best", ranked=ranked(), study=STUDY)
