from __future__ import annotations

import pandas as pd
import pytest

from dse.dashboard.view import StudyData
from tests.dashboard.conftest import make_study
from tests.services import require_module


@pytest.fixture(autouse=True)
def _needs_dash() -> None:
    for name in ("dash", "dash_ag_grid", "waitress"):
        require_module(name)


@pytest.fixture
def study(population: pd.DataFrame) -> StudyData:
    return make_study(population)
