"""The documents' examples work as they are written."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from dse.cli import main
from dse.dashboard.filters import Filter
from dse.jobs.shown import report_job
from dse.proxy.load import load_proxy
from dse.space import Budget, Sampler
from dse.space.language.design_space import load_space
from dse.training.load import load_training
from tests import tiny
from tests.filled import fill_survey
from tests.proxy.data import made

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(kind: str) -> list[tuple[str, str]]:
    """Each block of a kind, named by its page and number."""
    found = []
    for page in PAGES:
        texts = re.findall(rf"^```{kind}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
        found += [(f"{page.name} {k}", text) for k, text in enumerate(texts, start=1)]
    return found


DASHBOARDS = [block for block in blocks("yaml") if "\npanels:" in block[1]]
OTHERS = ("dataset:", "network:", "partition:")
SPACES = [
    block for block in blocks("yaml") if not block[1].startswith(OTHERS) and block not in DASHBOARDS
]
PROXIES = [block for block in blocks("yaml") if block[1].startswith("dataset:")]
TRAININGS = [block for block in blocks("yaml") if block[1].startswith("network:")]


@pytest.mark.parametrize(("name", "text"), SPACES)
def test_a_space_in_a_document_can_be_drawn_from(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(text)
    budget = Budget.parse("4.5GFLOPs", tolerance="5%")
    samples = list(Sampler(space=load_space(path), budget=budget).samples(5))
    assert all(budget.contains(sample.cost.flops) for sample in samples)


@pytest.mark.parametrize(("name", "text"), TRAININGS)
def test_a_training_in_a_document_can_be_loaded(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "train.yaml"
    path.write_text(text)
    assert load_training(path).network


@pytest.mark.parametrize(("name", "text"), DASHBOARDS)
def test_a_dashboard_in_a_document_shows_a_survey(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    fill_survey(tmp_path / "s.db")
    page = report_job([str(tmp_path / "s.db")], dashboard=str(tmp_path / "mine.yaml"))
    assert " of 24 networks of convnext-4.5GFLOPs" in page.read_text(encoding="utf-8")


def test_the_filters_in_a_document_are_the_same_in_yaml_and_in_an_address() -> None:
    page = (ROOT / "docs" / "dashboards.md").read_text()
    rows = re.findall(r"^\| `([^`]+: [^`]+)` \| `([^`]+)` \|", page, re.MULTILINE)
    assert len(rows) == 6
    for as_yaml, as_text in rows:
        assert str(Filter.from_plain(yaml.safe_load(as_yaml))) == as_text


@pytest.mark.parametrize(("name", "text"), PROXIES)
def test_a_proxy_in_a_document_fits_the_data_set_prepared_above_it(
    name: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs" / name.split()[0]).read_text()
    (command,) = re.findall(r"^dse (data prepare .*)", page, re.MULTILINE)
    made.image_folder(tmp_path / "images", {"train": 3, "val": 2})
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit_info:
        main(command.replace("/data/imagenet", "images").split())
    assert not exit_info.value.code
    path = tmp_path / "proxy.yaml"
    path.write_text(text.replace("train_images: 20000", "train_images: 8").replace("128", "4"))
    proxy = load_proxy(str(path))
    assert (proxy.resolution, proxy.steps) == (64, 10)


@pytest.mark.parametrize(
    ("name", "text"), [block for block in blocks("python") if block[0].split()[0] != "notebook.md"]
)
def test_python_in_a_document_runs(name: str, text: str) -> None:
    subprocess.run([sys.executable, "-c", text], check=True, cwd=ROOT, timeout=120)


def test_the_notebook_runs_from_its_first_block_to_its_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a study of the quick start's name; each block ends in what a notebook would show."""
    fill_survey(tmp_path / "studies" / "convnext-4.5GFLOPs.db")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    shown = []
    for name, text in blocks("python"):
        if name.startswith("notebook.md "):
            *lines, last = ast.parse(text).body
            exec(compile(ast.Module(lines, []), name, "exec"), names)
            if isinstance(last, ast.Expr):
                shown.append(eval(compile(ast.Expression(last.value), name, "eval"), names))
            else:
                exec(compile(ast.Module([last], []), name, "exec"), names)
    assert "Median error" in shown[0]._repr_html_()
    assert list(shown[1].columns) == ["count", "median"]
    assert {"activations", "flops", "params"} <= set(shown[2])
    assert (tmp_path / "deep.html").exists()
    assert (tmp_path / "edf.html").stat().st_size > 1_000_000


def test_the_table_in_a_document_is_imported_as_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "zoo.csv").write_text(dict(blocks("csv"))["import.md 1"])
    monkeypatch.chdir(tmp_path)
    commands = dict(blocks("sh"))["import.md 1"].splitlines()
    for command in commands:
        with pytest.raises(SystemExit) as exit_info:
            main(command.partition("#")[0].split()[1:])
        assert not exit_info.value.code, command
    out = capsys.readouterr().out
    assert "5 networks, 4 trainings; 1 of them ended badly; 1 network without one" in out
    assert "2 choices: Stem, Depth" in out
    assert (tmp_path / "zoo.html").exists()


def test_a_published_table_in_a_document_says_what_is_written_below_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "regnet.csv").write_text(dict(blocks("csv"))["import.md 2"])
    monkeypatch.chdir(tmp_path)
    said = []
    for command in dict(blocks("sh"))["import.md 2"].splitlines():
        program, *arguments = command.split()
        if program == "grep":
            subprocess.run(command, shell=True, check=True)
            continue
        as_json = ["--json"] if "explain" in arguments else []  # a table breaks its sentences
        for more in ([], as_json):
            with pytest.raises(SystemExit) as exit_info:
                main([*arguments, *more])
            assert not exit_info.value.code, command
            said.append(capsys.readouterr().out)
    written = dict(blocks("text"))["import.md 1"]
    sentences = re.split(r"(?<=\.)\n", written)
    assert len(sentences) >= 5
    for sentence in sentences:
        assert " ".join(sentence.split()) in "\n".join(said)


def test_the_commands_about_searches_work_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With four small networks each."""
    (tmp_path / "spaces").symlink_to(ROOT / "spaces")
    tiny.write_proxy(tmp_path)
    monkeypatch.chdir(tmp_path)
    commands = [
        line.partition("#")[0].strip()
        for name, text in blocks("sh")
        if name.startswith("search.md ")
        for line in text.splitlines()
        if line
    ]
    assert len(commands) >= 8
    for command in commands:
        small = re.sub(r"--models \d+", "--models 4 --proxy tiny.yaml", command)
        small = small.replace("convnext-4.5GFLOPs-", "convnext-0.3GFLOPs-tiny-")
        program, *arguments = small.replace("4.5GFLOPs", "0.3GFLOPs").split()
        assert program == "dse"
        with pytest.raises(SystemExit) as exit_info:
            main(arguments)
        assert not exit_info.value.code, command
        assert capsys.readouterr().out
