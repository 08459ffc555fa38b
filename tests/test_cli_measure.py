"""`dse measure` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from dse.cli.measured import names_in
from dse.network.measure import timing
from dse.network.measure.measurement import NAMES
from dse.network.measure.scores import SCORE_NAMES
from tests.test_cli import run

SMALL = "depths: [1, 1]\ndims: [8, 16]\nkernel_sizes: [3, 3]\n"
PROXY = """
dataset: {classes: 3, train_per_class: 8, test_per_class: 1}
channels: 0.5
recipe: {batch_size: 8}
"""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(timing, "WARM_UP_SECONDS", 0.0)
    monkeypatch.setattr(timing, "RUN_SECONDS", 0.0)
    (tmp_path / "small.yaml").write_text(SMALL)
    (tmp_path / "proxy.yaml").write_text(PROXY)
    return str(tmp_path / "small.yaml")


def test_rows_are_json_lines_with_all_conditions(
    capsys: pytest.CaptureFixture[str], small: str
) -> None:
    proxy = small.replace("small.yaml", "proxy.yaml")
    code, out, _ = run(
        capsys, "measure", small, "mobilenetv2_style", "--what", "latency,memory,throughput,scores",
        "--device", "cpu", "--threads", "1", "--resolution", "32", "--runs", "6", "--batch", "2",
        "--proxy", proxy, "--json",
    )  # fmt: skip
    assert code == 0
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["name"] for row in rows] == [*NAMES, *NAMES, *SCORE_NAMES, *SCORE_NAMES]
    assert {row["network"] for row in rows} == {small, "mobilenetv2_style"}
    assert {tuple(row) for row in rows} == {
        ("network", "name", "value", "low", "high", "n", "unit", "device", "dtype", "batch",
         "layout", "resolution", "threads")
    }  # fmt: skip
    measured = [row for row in rows if row["name"] in NAMES]
    assert {(r["batch"], r["threads"], r["dtype"], r["resolution"]) for r in measured} == {
        (2, 1, "float32", 32)
    }
    assert {row["n"] for row in measured} == {6, 1}
    torch.set_num_threads(1)


def test_a_table_shows_intervals_conditions_and_the_caveat_of_scores(
    capsys: pytest.CaptureFixture[str], small: str
) -> None:
    proxy = small.replace("small.yaml", "proxy.yaml")
    code, out, _ = run(
        capsys, "measure", small, "--what", "latency,memory_inference,scores", "--device", "cpu",
        "--threads", "1", "--resolution", "32", "--runs", "6", "--proxy", proxy,
    )  # fmt: skip
    assert code == 0
    assert " ms to " in out
    for text in ("threads: 1", "channels_last", "Measured at 32 px", "95 % interval", "no filters",
                 "synflow", "log_flops", "kB"):  # fmt: skip
        assert text in out
    assert "throughput" not in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "did you mean"),
        (["convnext_tiny", "--what", "speed"], "--what 'speed': write latency, throughput"),
        (["convnext_tiny", "--what", "mem"], "--what 'mem'"),
        (["convnext_tiny", "--device", "tpu"], "--device 'tpu': write cpu, cuda or cuda:1"),
        (["convnext_tiny", "--device", "meta"], "--device 'meta'"),
        (["convnext_tiny", "--device", "cuda:99"], "--device 'cuda:99': this machine has"),
        (["convnext_tiny", "--resolution", "16"], "too small for 4 stages"),
        (["convnext_tiny", "--batch", "1"], "a batch of 1 cannot be trained"),
        (["convnext_tiny", "--runs", "5"], "--runs"),
    ],
)
def test_a_mistake_is_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    code, out, err = run(capsys, "measure", *arguments)
    assert code == 2
    assert out == ""
    assert words in err
    assert err.count("\n") == 1


def test_groups_of_names_are_spelled_out() -> None:
    assert names_in("throughput, latency") == (
        ["latency", "throughput_inference", "throughput_training"],
        False,
    )
    assert names_in("scores") == ([], True)
    assert names_in("memory_training,scores") == (["memory_training"], True)
