"""What the README shows is what the tool does."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from dse.cli import cli
from dse.space import Budget, Sampler
from dse.space.language.design_space import DesignSpace

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_the_quick_start_has_exactly_two_commands() -> None:
    quick_start = README.split("## Quick start")[1].split("\n## ")[0]
    commands = re.findall(r"^```sh\n(.*?)^```", quick_start, re.MULTILINE | re.DOTALL)
    assert [len(command.strip().splitlines()) for command in commands] == [1, 1]
    assert "python -m dse.run spaces/convnext_space.yaml --budget 4.5GFLOPs" in commands[0]
    assert commands[1].strip().endswith("python -m pytest -n 2")


def test_the_space_in_the_readme_can_be_sampled() -> None:
    (text,) = blocks("yaml")
    space = DesignSpace.model_validate(yaml.safe_load(text))
    sample = Sampler(space=space, budget=Budget.parse("4.5GFLOPs")).sample(0)
    assert sample.architecture.norm_layer == "layer_norm"
    assert len(set(sample.architecture.kernel_sizes)) == 1


COMMANDS = [
    line.split("#")[0].replace("[STORE]", "STORE").strip()
    for block in blocks("sh")
    for line in block.splitlines()
    if line.startswith("dse ")
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_in_the_readme_is_understood(command: str) -> None:
    _, verb, *arguments = shlex.split(command)
    context = cli.commands[verb].make_context(verb, arguments)
    assert context.command.name == verb


def test_files_named_in_the_documents_exist() -> None:
    for document in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} names {target}"
