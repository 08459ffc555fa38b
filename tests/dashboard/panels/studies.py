"""Studies as pages see them, made up."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from dse.analysis.summary import summarise
from dse.dashboard.view import StudyData
from tests.large import (
    SHARE,
    make_landings,
    make_large,
    make_large_curves,
    make_measurements,
)

STATUS: dict[str, Any] = {
    "study": "a",
    "kind": "survey",
    "done": 30,
    "running": 2,
    "waiting": 8,
    "stopped": 0,
    "diverged": 3,
    "out_of_memory": 0,
    "failed": 1,
    "total": 44,
    "throughput_per_hour": 120.0,
    "throughput_n": 34,
    "throughput_window_seconds": 1020.0,
    "eta_seconds": 285.0,
    "best_network": 7,
    "best_error": 0.4,
    "workers": ["one"],
    "stale_workers": ["two"],
    "flights": [
        {
            "worker": "one",
            "network": 12,
            "replicate": 1,
            "seconds": 65.0,
            "step": 1200,
            "steps": 4500,
            "loss": 1.25,
            "overdue": False,
        },
        {
            "worker": "two",
            "network": -1,
            "replicate": 0,
            "seconds": 900.0,
            "step": None,
            "steps": None,
            "loss": None,
            "overdue": True,
        },
    ],
    "failures": [
        {"state": "diverged", "reason": "the loss became NaN", "n": 3},
        {"state": "failed", "reason": "", "n": 1},
    ],
}


def make_survey(networks: int, *, name: str = "a", seed: int = 0, **changes: Any) -> StudyData:
    """A survey of made-up networks."""
    population = make_large(networks, seed=seed, study=name)
    summary = summarise(population, random_subset=math.ceil(SHARE * networks), embedded=False)
    data = StudyData(
        name=name,
        kind="survey",
        title="A survey",
        store="studies/a.db",
        population=population,
        curves=make_large_curves(population),
        measurements=make_measurements(population),
        landings=make_landings(population),
        status=STATUS,
        summary=summary,
        resolution=224,
    )
    return dataclasses.replace(data, **changes)


def make_search(networks: int, *, name: str = "found", seed: int = 1, **changes: Any) -> StudyData:
    """A search's networks, which are no sample."""
    return make_survey(networks, name=name, seed=seed, kind="search", summary=None, **changes)
