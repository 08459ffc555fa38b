"""The documents' examples work as they are written."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dse.space import Budget, Sampler
from dse.space.language.design_space import load_space

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(kind: str) -> list[tuple[str, str]]:
    """Each block of a kind, named by its page and number."""
    found = []
    for page in PAGES:
        texts = re.findall(rf"^```{kind}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
        found += [(f"{page.name} {k}", text) for k, text in enumerate(texts, start=1)]
    return found


@pytest.mark.parametrize(("name", "text"), blocks("yaml"))
def test_a_space_in_a_document_can_be_drawn_from(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(text)
    budget = Budget.parse("4.5GFLOPs", tolerance="5%")
    samples = list(Sampler(space=load_space(path), budget=budget).samples(5))
    assert all(budget.contains(sample.cost.flops) for sample in samples)


@pytest.mark.parametrize(("name", "text"), blocks("python"))
def test_python_in_a_document_runs(name: str, text: str) -> None:
    subprocess.run([sys.executable, "-c", text], check=True, cwd=ROOT, timeout=120)
