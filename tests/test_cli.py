from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dse.architecture import Architecture, cost
from dse.architecture.catalog import CATALOG
from dse.cli import main
from dse.space import Budget
from tests.spaces import CONVNEXT_FILE

SPACE = str(CONVNEXT_FILE)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `dse ARGUMENTS`."""
    with pytest.raises(SystemExit) as exit_info:
        main(arguments)
    captured = capsys.readouterr()
    return int(exit_info.value.code or 0), captured.out, captured.err


def test_sample_prints_json_lines_inside_the_budget(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "sample", SPACE, "--budget", "1GFLOPs", "-n", "5", "--json")
    assert code == 0
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["id"] for row in rows] == [0, 1, 2, 3, 4]
    for row in rows:
        found = cost(Architecture.from_dict(row["architecture"]))
        assert (row["flops"], row["params"], row["activations"]) == (
            found.flops,
            found.params,
            found.activations,
        )
        assert Budget.parse("1GFLOPs").contains(row["flops"])


def test_cost_of_a_name_is_verified_by_fvcore(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "cost", "convnext_tiny", "--verify", "--resolution", "64", "--json")
    assert code == 0
    assert json.loads(out)["verified"] is True


def test_tables_show_name_number_and_counting_convention(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = run(capsys, "cost", "convnext_tiny")
    assert code == 0
    for text in ("convnext_tiny", "4,455,531,264", "4.456 G", "multiply-adds", "224 px"):
        assert text in out


def test_space_shows_priors_and_what_is_realised(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "space", SPACE, "--budget", "4.5GFLOPs", "--draws", "20", "--json")
    assert code == 0
    rows = list(map(json.loads, out.splitlines()))
    assert rows[0]["section"] == "space"
    assert rows[0]["dimension"] == 21
    assert {row["section"] for row in rows} == {
        "space", "parameter", "width", "feasibility", "region", "cost", "example",
    }  # fmt: skip
    stem = next(row for row in rows if row.get("slot") == "stem")
    assert stem["n"] == 20
    assert stem["prior"] == "one of patch, overlap, resnet"


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ([], ("21 free choices", "one of layer_norm, batch_norm", "fixed: groups none")),
        (
            ["--budget", "4.5GFLOPs", "--draws", "20"],
            ("seed 0, 20 networks", "chi2(1)", "KS =", "Holm's", "regions",
             "multiply-adds", "The first 5 networks"),
        ),
        (
            ["--budget", "params=25M", "--population", "solved", "--design", "sobol", "--seed", "3",
             "--stratify", "stem", "--draws", "20"],
            ("a scrambled Sobol sequence", "stratified by stem; seed 3", "25.000 M params"),
        ),
    ],
)  # fmt: skip
def test_space_prints_a_table_for_each_section(
    capsys: pytest.CaptureFixture[str], arguments: list[str], shown: tuple[str, ...]
) -> None:
    code, out, _ = run(capsys, "space", SPACE, *arguments)
    assert code == 0
    for text in shown:
        assert text in out


def test_space_writes_a_page_beside_its_rows(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    page = tmp_path / "space.html"
    code, out, err = run(
        capsys,
        "space",
        SPACE,
        "--budget",
        "1GFLOPs",
        "--draws",
        "20",
        "--plot",
        str(page),
        "--json",
    )
    assert code == 0
    assert all(json.loads(line) for line in out.splitlines())
    assert err == f"page: {page}\n"
    assert "1.000 GFLOPs" in page.read_text(encoding="utf-8")


def test_space_compares_two_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(CONVNEXT_FILE.read_text().replace("[linear, conv]", "[linear]"))
    code, out, _ = run(capsys, "space", SPACE, str(other), "--json")
    assert code == 0
    rows = list(map(json.loads, out.splitlines()))
    assert {row["section"] for row in rows} == {"difference"}
    assert rows[0]["choice"] == "pointwise"
    assert rows[-1]["second"] == "all allowed by the first"
    code, out, _ = run(capsys, "space", SPACE, str(other))
    assert code == 0
    assert "section" not in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["sample", "none.yaml"], "none.yaml: there is no such file"),
        (["sample", SPACE, "--budget", "4.5 bananas"], "'4.5 bananas' is not a budget"),
        (["sample", SPACE, "--budget", "1kFLOPs"], "shapes of this space cost from"),
        (["sample", SPACE, "--tolerance", "wide"], "'wide' is not a tolerance"),
        (["sample", SPACE, "-n", "0"], "Invalid value for '-n'"),
        (["sample"], "Missing argument 'SPACE'"),
        (["space", SPACE, "--budget", "1kFLOPs"], "shapes of this space cost from"),
        (["space", SPACE, "--plot", "x.html"], "--plot: shows one space under a budget"),
        (["space", SPACE, SPACE, "--budget", "1GFLOPs", "--plot", "x.html"], "--plot: shows one"),
        (["space", SPACE, "--budget", "1GFLOPs", "--plot", "x.db"], "a name that ends in .html"),
        (["space", SPACE, "--budget", "1GFLOPs", "--plot", "."], "is a directory"),
        (["cost", "resnet51"], "resnet51: is neither a"),
        (["cost", "convnext_tiny", "--resolution", "16"], "image is too small for 4 stages"),
        (["cost", "convnext_tiny", "--resolution", "100000"], "not in the range 16<=x<=4096"),
        (["sample", SPACE, "--resolution", "8"], "not in the range 16<=x<=4096"),
        (["sample", SPACE, "-n", "1000000000"], "not in the range"),
        (["run", SPACE, "--models", "1000000000"], "not in the range 1<=x<=100000"),
        (["run", SPACE, "--store", "x.html"], "x.html: a store's name may not end in .html"),
        (["run", SPACE, "--store", "."], "'.': is a folder"),
        (["report", "n" * 300], "cannot be read (File name too long)"),
        (["sample", "n" * 300 + ".yaml"], "cannot be read: File name too long"),
        (["fly"], "No such command 'fly'"),
        (["report", "none.db"], "none.db"),
        (["export", "none.db"], "none.db"),
        (["report"], "studies/: there is no store"),
        (["run", SPACE, "--repeat", "x"], "--repeat 'x': write a percentage"),
        (["run", SPACE, "--budget", "1kFLOPs"], "shapes of this space cost from"),
        (["run", SPACE, "--proxy", "nothing"], "proxy 'nothing'"),
    ],
)
def test_a_mistake_is_one_sentence_on_stderr_with_exit_code_2_and_leaves_nothing(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("error: ")
    assert sentence in err
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_brackets_in_a_name_are_printed_as_they_are(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a[red]b.yaml").write_text("depths: [1]\ndims: [8]\nkernel_sizes: [3]\n")
    code, out, _ = run(capsys, "cost", "a[red]b.yaml")
    assert code == 0
    assert "a[red]b.yaml" in out


@pytest.mark.parametrize("arguments", [["cost", "convnext_tiny"], ["sample", SPACE, "-n", "2"]])
def test_a_terminal_without_the_characters_gets_question_marks(arguments: list[str]) -> None:
    done = dse_process(arguments, env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"multiply-adds" in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_full_disk_behind_stdout_is_one_sentence(more: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = dse_process(["cost", "convnext_tiny", *more], stdout=full)
    assert done.returncode == 2
    assert done.stderr == b"error: reading or writing: No space left on device.\n"


def test_a_reader_that_has_gone_ends_quietly() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = dse_process(["sample", SPACE, "-n", "3", "--json"], stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


def dse_process(
    arguments: list[str], *, stdout: Any = subprocess.PIPE, **options: Any
) -> subprocess.CompletedProcess[bytes]:
    """`dse ARGUMENTS` in a process of its own."""
    command = [sys.executable, "-m", "dse", *arguments]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, check=False, **options)


def test_help_and_version_succeed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--help")[0] == 0
    assert "dse, version" in run(capsys, "--version")[1]


def test_the_roadmap_shows_what_is_counted_beside_what_is_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = run(capsys, "roadmap", "--json")
    assert code == 0
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["step"] for row in rows] == list(range(17))
    assert (rows[0]["flops"], rows[0]["printed_gflops"]) == (4_089_184_256, 4.09)
    assert (rows[16]["flops"], rows[16]["printed_top1"]) == (4_455_531_264, 81.97)
    code, out, _ = run(capsys, "roadmap", "--from", "resnet200", "--json")
    assert json.loads(out.splitlines()[-1])["flops"] == cost(CATALOG["convnext_base"]).flops


def test_layers_add_up_to_the_cost(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "cost", "resnet50", "--layers", "--json")
    assert code == 0
    rows = [json.loads(line) for line in out.splitlines()]
    assert sum(row["flops"] for row in rows) == 4_089_184_256
    assert {"network", "name", "kind", "bytes", "intensity"} <= rows[0].keys()


def test_sample_takes_several_budgets_designs_and_strata(
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ["--budget", "params=25M", "--budget", "flops<=5GFLOPs", "--design", "sobol"]
    code, out, _ = run(capsys, "sample", SPACE, *options, "--stratify", "stem", "-n", "6", "--json")
    assert code == 0
    rows = [json.loads(line) for line in out.splitlines()]
    assert all(24.75e6 <= row["params"] <= 25.25e6 and row["flops"] <= 5e9 for row in rows)
    assert sorted(row["architecture"]["stem"] for row in rows) == sorted(
        2 * ["patch", "overlap", "resnet"]
    )


def test_sample_measures_latency_where_it_is_limited(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--budget", "20MFLOPs", "--budget", "latency<=10s", "--resolution", "32"]
    code, out, _ = run(capsys, "sample", SPACE, *options, "-n", "2", "--json")
    assert code == 0
    assert len(out.splitlines()) == 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--design", "grid"], "--design 'grid': write independent, sobol"),
        (["--stratify", "dims"], "--stratify 'dims': name choices of the whole network"),
        (["--population", "conditioned"], "give first beside growth, or per_stage"),
        (["--budget", "1GFLOPs", "--budget", "2GFLOPs"], "give exactly one target"),
        (["--budget", "latency<=5ms"], "give exactly one target"),
    ],
)
def test_a_way_of_sampling_that_cannot_be_is_told_in_a_sentence(
    options: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "sample", SPACE, *options)
    assert (code, out) == (2, "")
    assert sentence in err


@pytest.mark.parametrize(
    ("kind", "key"), [("space", "name"), ("dashboard", "panels"), ("training", "recipe")]
)
def test_schema_prints_a_json_schema(
    kind: str, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "schema", kind)
    assert code == 0
    assert json.loads(out)["properties"][key]
