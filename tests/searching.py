"""A survey and a search in one store, which take seconds, and stay as they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dse.jobs.conclude import Conclusion
from dse.jobs.conclude_search import SearchConclusion
from dse.jobs.search import search_job
from dse.study.launching import Launching
from tests import tiny
from tests.spaces import CONVNEXT_FILE

NETWORKS = 32


@dataclass(frozen=True)
class Searched:
    """A store's folder, the survey as it was before the search, and the search."""

    folder: Path
    survey: Conclusion
    search: SearchConclusion

    @property
    def store(self) -> Path:
        return self.folder / "study.db"


def search(folder: Path, *, workers: int = 2, **changes: Any) -> SearchConclusion:
    """Run (or resume) a tiny search in `folder`."""
    options: dict[str, Any] = {
        "space": str(CONVNEXT_FILE),
        "budget": "0.3GFLOPs",
        "search": "tpe",
        "models": 6,
        "generation": 4,
        "objective": (),
        "pruner": "none",
        "warm_start": "auto",
        "proxy": str(tiny.write_proxy(folder)),
        "repeat": "10%",
        "store": str(folder / "study.db"),
        "study": None,
        "launching": Launching(workers=workers),
        "top": 2,
    }
    return search_job(**(options | changes))


@pytest.fixture(scope="session")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Searched:
    """A finished survey and a finished search; tests do not change them."""
    folder = tmp_path_factory.mktemp("searched")
    survey = tiny.study(folder)
    return Searched(folder, survey, search(folder, models=NETWORKS, generation=8))
