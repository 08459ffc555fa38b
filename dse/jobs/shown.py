"""Studies of stores as pages show them: found, read whatever their kind, told apart by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pandas as pd

from dse.analysis.full import FullTraining, full_of
from dse.analysis.population import own_trainings
from dse.dashboard.report import write_report
from dse.dashboard.spec import load_dashboard
from dse.dashboard.view import StudyData, View
from dse.errors import UserError
from dse.jobs.conclude import newest_store, outputs_of, place_of, require_no_store
from dse.jobs.conclude_search import load_any
from dse.jobs.study_data import study_data
from dse.jobs.trained import recorded_trainings
from dse.space import Budget
from dse.store.store import Store
from dse.store.target import Place, Target, parse_target, split_study
from dse.study.importance import fanova

CHOSEN: Final = {"paired": "networks in pairs", "training": "full trainings"}
"""What is shown without a conclusion about a population or a search, and its title."""
ONE, SEVERAL = "overview", "compare"
"""The dashboards of one study and of several, by default."""


def report_job(
    stores: Sequence[str] = (),
    *,
    studies: Sequence[str] = (),
    dashboard: str | None = None,
    output: str | Path | None = None,
) -> Path:
    """Write the report of studies, and return its path.

    Args:
        stores: each `STORE` or `STORE::NAME`; the newest one under studies/ if there is none.
        studies: their names; without any, the one that each store means.
        dashboard: a name or a file; by default `overview` for one study, `compare` for several.
        output: an HTML file; by default beside the first store, named after its study, and after
            the dashboard unless it is the overview.

    Raises:
        UserError: a store, a study or the dashboard cannot be read, or the report not be written.
    """
    targets = find_studies(list(stores) or [newest_store()], studies)
    name = dashboard or (ONE if len(targets) == 1 else SEVERAL)
    shown = load_dashboard(name)
    path = Path(output) if output else _default_path(targets[0], name)
    require_no_store(path, *targets)
    view = read_view(targets)
    if any(each.panel == "importance" for each in shown.panels):
        view = View(studies=tuple(map(with_fanova, view.studies)))
    return write_report(view, dashboard=shown, path=path)


def find_studies(stores: Sequence[Place], names: Sequence[str] = ()) -> list[Target]:
    """The studies that are meant, in the order of the stores, each once.

    Args:
        stores: each `STORE` or `STORE::NAME`.
        names: of studies in any of the stores; without one, each store means its only survey, or
            its only study.

    Raises:
        UserError: a store cannot be read, means none or several, or no store has one of the names.
    """
    found, missing = [], dict.fromkeys(names)
    for place in stores:
        text, own = (place, None) if isinstance(place, Target) else split_study(str(place))
        target = parse_target(text, study=own)
        if target.study is None:
            targets = _meant(target, names)
        else:
            with Store.open(target, read_only=True) as store:
                store.existing_study()
            targets = [target]
        for each in targets:
            missing.pop(str(each.study), None)
        found += targets
    if missing:
        places = ", ".join(str(parse_target(place)) for place in stores)
        raise UserError(f"--study {next(iter(missing))!r}: there is none of this name in {places}.")
    return list({(str(target), target.study): target for target in found}.values())


def read_view(targets: Sequence[Target]) -> View:
    """The studies of a page, read from their stores.

    Two of one name are told apart by their stores.

    Raises:
        UserError: one of them cannot be read.
    """
    studies = [read_study_data(target) for target in targets]
    names = Counter(study.name for study in studies)
    return View(
        studies=tuple(
            study if names[study.name] == 1 else renamed(study, f"{study.name} in {study.store}")
            for study in studies
        )
    )


def read_study_data(target: Target) -> StudyData:
    """A study of any kind, read from its store.

    Raises:
        UserError: it cannot be read.
    """
    with Store.open(target, read_only=True) as store:
        study = store.existing_study()
        target = parse_target(target, study=study.name)
        if study.kind not in CHOSEN:
            return load_any(target).data
        population, curves = store.population(), store.curves()
        measurements, snapshot = store.measurements(), store.snapshot()
    full: tuple[FullTraining, ...] = ()
    if study.kind == "training":
        full = recorded_trainings(target, [study.name])
    else:
        population = own_trainings(population)

    def make(rows: pd.DataFrame) -> StudyData:
        return study_data(
            study,
            rows,
            store=target,
            title=f"{study.space_name} at {Budget.from_dict(study.budget)}: {CHOSEN[study.kind]}",
            snapshot=snapshot,
            curves=curves,
            measurements=measurements,
            full=full_of(full, rows),
            keeping=make,
        )

    return make(population)


def with_fanova(study: StudyData) -> StudyData:
    """The same with importances by fANOVA, which take seconds, where scikit-learn is there."""
    if study.kind != "survey":
        return study
    return replace(study, fanova=fanova(study.levels))


def renamed(study: StudyData, name: str) -> StudyData:
    """The same study under another name, which its tables have too."""
    keeping = study.keeping

    def kept(rows: pd.DataFrame) -> StudyData:
        assert keeping is not None
        return renamed(keeping(rows), name)

    return replace(
        study,
        name=name,
        population=study.population.assign(study=name),
        keeping=None if keeping is None else kept,
    )


def _meant(target: Target, names: Sequence[str]) -> list[Target]:
    """The studies of one store that are meant.

    Raises:
        UserError: none is, or it is not clear which one.
    """
    with Store.open(target, read_only=True) as store:
        there = [study.name for study in store.studies()]
        chosen = [name for name in names if name in there]
        if names and not chosen:
            held = ", ".join(map(repr, there)) or "none"
            raise UserError(f"{target}: holds no study {names[0]!r}; it holds: {held}.")
        if not names:
            chosen = there if len(there) == 1 else [store.existing_study().name]
    return [parse_target(target, study=name) for name in chosen]


def _default_path(target: Target, dashboard: str) -> Path:
    with Store.open(target, read_only=True) as store:
        path = outputs_of(place_of(store))[0]
    return path if dashboard == ONE else path.with_suffix(f".{Path(dashboard).stem}.html")
