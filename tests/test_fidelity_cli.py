"""`dse fidelity`: two studies that differ in their proxy alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.test_cli import SPACE, run
from tests.tiny import PROXY, study

TINY = ("--budget", "0.3GFLOPs", "--models", "5", "--repeat", "0%", "--workers", "2")


def write_proxies(folder: Path) -> tuple[str, str]:
    cheap, dear = folder / "short.yaml", folder / "long.yaml"
    cheap.write_text(PROXY.replace("epochs: 2", "epochs: 1"))
    dear.write_text(PROXY)
    return str(cheap), str(dear)


def test_a_space_is_trained_under_both_then_read_from_the_stores_again(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cheap, dear = write_proxies(tmp_path)
    options = (*TINY, "--cheap", cheap, "--dear", dear, "--stratify", "norm_layer")
    code, out, err = run(capsys, "fidelity", SPACE, *options, "--json")
    assert code == 0, err
    rows = [json.loads(line) for line in out.splitlines()]
    assert {"kendall_tau_b", "spearman_rho", "regret", "top_k_overlap"} <= {
        row["what"] for row in rows
    }
    assert {row["n"] for row in rows if row["what"] == "kendall_tau_b"} == {5}
    stores = sorted(path.stem for path in (tmp_path / "studies").glob("*.db"))
    assert [name.split("-")[4] for name in stores] == ["long", "short"]
    (page,) = (tmp_path / "studies").glob("*.fidelity.html")
    assert f"page: studies/{page.name}" in err

    both = [f"studies/{stores[1]}.db", f"studies/{stores[0]}.db"]
    other = tmp_path / "other.html"
    code, again, _ = run(capsys, "fidelity", *both, "-o", str(other), "--json")
    assert code == 0
    assert again == out
    assert other.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    code, shown, _ = run(capsys, "fidelity", *both)
    assert code == 0
    for text in ("Kendall's τ-b", "stratified by norm_layer", "no evidence about ImageNet"):
        assert text in shown

    code, _, err = run(capsys, "fidelity", SPACE, *options)  # nothing is trained twice
    assert code == 0
    for arguments, sentence in (
        ((*both, "--models", "6"), "--models: two stores are read as they are"),
        ((both[0], both[0]), "the same proxy: nothing to compare"),
        ((*both, "-o", both[0]), "give a name that ends in .html"),
        ((*both, "x"), "give one SPACE, one STORE, or two stores"),
    ):
        code, out, err = run(capsys, "fidelity", *arguments)
        assert (code, out) == (2, "")
        assert sentence in err
        assert err.count("\n") == 1


def test_stores_of_other_networks_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    study(tmp_path, models=1, repeat="0%", store=str(tmp_path / "a.db"))
    study(tmp_path, models=1, repeat="0%", store=str(tmp_path / "b.db"), seed=1)
    study(tmp_path, models=1, repeat="0%", store=str(tmp_path / "c.db"), stratify=("stem",))
    capsys.readouterr()
    for other, sentence in (
        ("b", "seed is 0 there and 1 here"),
        ("c", "sampling.stratify.1 is None there and stem here"),
    ):
        stores = [str(tmp_path / f"{name}.db") for name in ("a", other)]
        code, out, err = run(capsys, "fidelity", *stores)
        assert (code, out) == (2, "")
        assert "do not hold the same networks" in err
        assert sentence in err
        assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((SPACE, "--cheap", "embedded", "--dear", "embedded"), "are the same proxy"),
        ((SPACE, "--dear", "nothing"), "proxy 'nothing'"),
        ((SPACE, "-o", "page.txt"), "give a name that ends in .html"),
        ((SPACE, "--store-cheap", "x.db", "--store-dear", "x.db"), "the store of both studies"),
        (("none.db", "nor.db"), "none.db"),
        (("none.yaml",), "none.yaml: there is no such file"),
    ],
)
def test_a_mistake_is_one_sentence_before_anything_is_trained(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, "fidelity", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert sentence in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_long_preset_is_the_default_trained_three_times_longer() -> None:
    from dse.proxy.load import load_proxy

    short, long = load_proxy("embedded"), load_proxy("embedded_long")
    assert long.steps == 3 * short.steps
    assert long.model_copy(update={"epochs": short.epochs}) == short
