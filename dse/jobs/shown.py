"""Any study of a store as the tables that pages show."""

from __future__ import annotations

from dse.dashboard.view import StudyData
from dse.jobs.conclude import Conclusion
from dse.jobs.conclude_search import load_any
from dse.store.target import Target


def read_study(target: Target, name: str) -> StudyData:
    """The study of that name."""
    found = load_any(target, name=name)
    if isinstance(found, Conclusion):
        return found.data
    study = found.study
    import pandas as pd

    return StudyData(
        name=study.name,
        kind="search",
        title=study.space_name,
        store=str(target),
        population=found.population,
        curves=pd.DataFrame(columns=["index", "replicate", "epoch", "error"]),
        search=found.summary,
        resolution=study.budget.get("resolution"),
        provenance=study.provenance,
    )
