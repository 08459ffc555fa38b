from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from dse.analysis.summary import summarise
from dse.dashboard.report import render
from dse.dashboard.view import StudyData, View
from tests.population import RANDOM_SUBSET, make_curves, make_population
from tests.services.chromium import chromium

PROVENANCE: dict[str, Any] = {
    "space": "convnext_space",
    "space_hash": "8f0c2d7e51aa",
    "budget": "4.5GFLOPs",
    "resolution": 224,
    "seed": 0,
    "proxy": {"name": "embedded", "channels": 0.25},
    "versions": {"dse": "0.1.0", "torch": "2.13.0"},
    "device": "cpu",
    "dtype": "bfloat16",
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.fixture
def population() -> pd.DataFrame:
    return make_population()


def make_study(population: pd.DataFrame, *, share: float = 0.25, **provenance: Any) -> StudyData:
    """A survey of `population`, with curves made up for it."""
    summary = summarise(population, random_subset=RANDOM_SUBSET, embedded=True, top_share=share)
    return StudyData(
        name=summary.study,
        kind="survey",
        title="A study",
        store="studies/study.db",
        population=population,
        curves=make_curves(population),
        summary=summary,
        resolution=224,
        provenance={**PROVENANCE, **provenance},
    )


def rendered(
    population: pd.DataFrame, *, title: str = "A study", share: float = 0.25, **provenance: Any
) -> str:
    """The report of `population` with curves made up for it."""
    view = View(studies=(make_study(population, share=share, **provenance),))
    return render(view, title=title)


def without_plotly(page: str) -> str:
    """The page less plotly.js, the one part that is not ours."""
    from plotly.offline import get_plotlyjs

    assert page.count(get_plotlyjs()) == 1
    return page.replace(get_plotlyjs(), "")


def addresses(page: str) -> list[str]:
    """What in a page, less plotly.js, might be fetched; SVG's namespace is a mere name."""
    ours = page.replace("http://www.w3.org/2000/svg", "")
    return re.findall(r"https?://|//[a-z]+\.[a-z]|@import|url\(", ours)


def value_of(page: str) -> dict[str, Any]:
    """The page value that a page of ours holds."""
    found = re.search(r'id="page-value">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    value: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(found[1])))
    return value


@pytest.fixture(scope="session")
def report_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(rendered(make_population()), encoding="utf-8")
    return path
