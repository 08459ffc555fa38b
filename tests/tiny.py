"""A whole study that takes seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from dse.jobs.conclude import Conclusion
from dse.jobs.survey import main_job
from dse.study.launching import Launching
from tests.spaces import CONVNEXT_FILE

PROXY = """
dataset: {source: fractals, classes: 4, train_per_class: 64, test_per_class: 25}
channels: 0.125
resolution: 32
epochs: 2
"""
UNREPEATABLE = ["seconds"]
"""The only column of a population that may differ between two runs of a study."""


def write_proxy(folder: Path) -> Path:
    """A proxy of eight steps on four classes."""
    path = folder / "tiny.yaml"
    path.write_text(PROXY)
    return path


def study(folder: Path, *, workers: int = 2, **changes: Any) -> Conclusion:
    """Run (or resume) a tiny study in `folder`."""
    options: dict[str, Any] = {
        "space": str(CONVNEXT_FILE),
        "budget": "0.3GFLOPs",
        "tolerance": "1%",
        "resolution": 224,
        "seed": 0,
        "models": 5,
        "proxy": str(write_proxy(folder)),
        "repeat": "40%",
        "store": str(folder / "study.db"),
        "launching": Launching(workers=workers),
        "top": 2,
    }
    return main_job(**(options | changes))


def results(conclusion: Conclusion) -> pd.DataFrame:
    """What must be the same for any two runs of a study."""
    return conclusion.population.drop(columns=UNREPEATABLE)
