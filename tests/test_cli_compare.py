"""`dse compare` as a person calls it."""

from __future__ import annotations

import json

import pytest

from tests.filled import fill_survey
from tests.test_cli import run


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("compared")
    return [
        str(fill_survey(folder / f"{name}.db", models=16, seed=seed, shift=shift))
        for seed, (name, shift) in enumerate((("a", 0.0), ("b", 0.0), ("c", 0.3)))
    ]


def test_tables_conclusions_and_notes_are_printed(
    capsys: pytest.CaptureFixture[str], stores: list[str]
) -> None:
    code, out, err = run(capsys, "compare", *stores, "--paper", "200")
    assert code == 0, err
    assert err.count("drawing 200 networks of ") == 3
    for text in (
        "Spaces; 95 % intervals",
        "A / B",
        "B / C",
        "convnext-4.5GFLOPs is better than convnext-4.5GFLOPs-seed2 (",
        "p-values are",
        "no evidence about ImageNet",
    ):
        assert text in out


def test_json_lines_have_spaces_pairs_and_notes(
    capsys: pytest.CaptureFixture[str], stores: list[str]
) -> None:
    options = ("--baseline", "--confidence", "0.9", "--paper", "0", "--json")
    code, out, err = run(capsys, "compare", *stores, *options)
    assert (code, err) == (0, "")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["what"] for row in rows] == ["space"] * 3 + ["pair"] * 2 + ["note"]
    assert [row["b"] for row in rows if row["what"] == "pair"] == [
        "convnext-4.5GFLOPs-seed1",
        "convnext-4.5GFLOPs-seed2",
    ]
    last = rows[4]
    assert last["typical"]["confidence"] == 0.9
    assert last["typical"]["upper"] < 1
    assert last["conclusion"].startswith("convnext-4.5GFLOPs is better")
    assert last["adjusted"] is None


def test_a_mistake_is_one_sentence(capsys: pytest.CaptureFixture[str], stores: list[str]) -> None:
    for arguments, sentence in (
        ((stores[0],), "name two studies or more"),
        ((stores[0], stores[0]), "hold the same networks"),
        ((stores[0], f"{stores[1]}::other"), "holds no study 'other'"),
        ((stores[0], "missing.db"), "missing.db"),
    ):
        code, out, err = run(capsys, "compare", *arguments)
        assert (code, out) == (2, "")
        assert sentence in err
        assert err.count("\n") == 1
