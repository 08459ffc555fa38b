from __future__ import annotations

import json
from pathlib import Path

import pytest

from dse.architecture import Architecture, cost
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
    rows = {row["parameter"]: row for row in map(json.loads, out.splitlines())}
    assert rows["dims.1"]["prior"] == "solved for the budget"


def test_space_compares_two_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(CONVNEXT_FILE.read_text().replace("[linear, conv]", "[linear]"))
    code, out, _ = run(capsys, "space", SPACE, str(other), "--json")
    assert code == 0
    assert json.loads(out.splitlines()[0])["choice"] == "pointwise"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["sample", "none.yaml"], "none.yaml: there is no such file"),
        (["sample", SPACE, "--budget", "4.5 bananas"], "'4.5 bananas' is not a budget"),
        (["sample", SPACE, "--budget", "1kFLOPs"], "shapes of this space cost from"),
        (["sample", SPACE, "--tolerance", "wide"], "'wide' is not a tolerance"),
        (["sample", SPACE, "-n", "0"], "Invalid value for '-n'"),
        (["sample"], "Missing argument 'SPACE'"),
        (["cost", "resnet51"], "resnet51: is neither a file nor a known network"),
        (["cost", "convnext_tiny", "--resolution", "16"], "16 pixels is too small"),
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


def test_help_and_version_succeed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--help")[0] == 0
    assert "dse, version" in run(capsys, "--version")[1]
