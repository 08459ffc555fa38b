from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.dashboard.assets.reports import OTHER, STUDY, Pages, written


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("one"), STUDY)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("two"), STUDY, OTHER)


@pytest.fixture(scope="module")
def pages(browser: Any) -> Iterator[Pages]:
    found = Pages(browser)
    yield found
    for visit in found.open.values():
        visit.context.close()
