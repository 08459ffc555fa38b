"""From a search in a store to what a person reads: sentences, the best networks, the front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from dse.analysis.full import FullTraining, full_of
from dse.analysis.population import own_trainings
from dse.analysis.search import SearchSummary, summarise_search
from dse.analysis.summary import EMBEDDED_SENTENCE
from dse.dashboard.view import StudyData
from dse.errors import UserError
from dse.export.folder import Source
from dse.export.form import Form
from dse.jobs.conclude import STUDIES, Conclusion, load_conclusion, outputs_of
from dse.jobs.exported import place_for_files, write_best
from dse.jobs.study_data import finalists_among, is_embedded, provenance_of, study_data
from dse.jobs.trained import read_full_trainings
from dse.space import Budget
from dse.store.records import StudyRecord, kind_words
from dse.store.store import Store
from dse.store.target import Place, Target, parse_target
from dse.store.watching import Snapshot
from dse.study.plan import random_repeats
from dse.study.search.board import study_name
from dse.study.search.store_trainings import to_asked


@dataclass(frozen=True, kw_only=True)
class SearchConclusion:
    """Everything that is known of a search, read from its store in one go.

    Attributes:
        store: where the store is.
        study: what was asked.
        population: one row a training, with a column for each objective.
        curves: one row an epoch of a training.
        measurements: one row a number measured on a network.
        snapshot: how it stood when it was read.
        full: full trainings of its networks.
        finalists: so many of the best were to be given a fresh seed.
        notes: what its conclusion rests on.
        summary: what it says.
    """

    store: Target
    study: StudyRecord
    population: pd.DataFrame
    curves: pd.DataFrame
    measurements: pd.DataFrame
    snapshot: Snapshot
    full: tuple[FullTraining, ...]
    finalists: int
    notes: tuple[str, ...]
    summary: SearchSummary

    @property
    def title(self) -> str:
        """What was searched for."""
        study = self.study
        wanted = " and ".join(study.design["objectives"])
        return (
            f"{study.space_name} at {Budget.from_dict(study.budget)}: search by "
            f"{study.design['algorithm']} for the least {wanted}"
        )

    @property
    def data(self) -> StudyData:
        """What pages may show."""
        return study_data(
            self.study,
            self.population,
            store=self.store,
            title=self.title,
            snapshot=self.snapshot,
            curves=self.curves,
            measurements=self.measurements,
            full=full_of(self.full, self.population),
            search=self.summary,
            keeping=self._keeping,
        )

    def _keeping(self, rows: pd.DataFrame) -> StudyData:
        """The same of some of its trainings."""
        count = finalists_among(self.finalists, rows, self.population)
        summary = _summary(self.study, rows, count, self.notes)
        return replace(self, population=rows, summary=summary).data

    @property
    def best_folder(self) -> Path:
        """Where the best networks go by default: beside the store, under the study's name."""
        folder = STUDIES if self.store.path is None else self.store.path.parent
        return outputs_of(folder / f"{self.study.name}.db")[1]

    def write_export(
        self,
        output: str | Path | None = None,
        *,
        top: int = 5,
        ids: Sequence[int] = (),
        form: Form | None = None,
    ) -> list[dict[str, Any]]:
        """Write the `top` best networks, or the networks `ids`, a folder each; see `write_best`.

        Raises:
            UserError: an id is unknown, there is no best network, or the folder cannot be written.
        """
        source = Source(
            population=self.population,
            ranked={place.index: place for place in self.summary.ranked},
            study=provenance_of(self.study, self.population),
            caution=EMBEDDED_SENTENCE if is_embedded(self.study) else None,
            store=place_for_files(self.store),
        )
        folder = output or self.best_folder
        return write_best(source, self.store, folder, top=top, ids=ids, form=form)


def load_search(place: Place, *, name: str | None = None) -> SearchConclusion:
    """Read a search from a store: the named one, or the only one.

    Raises:
        UserError: there is no store, or it holds no search, or several and none is named.
    """
    target = _find(parse_target(place, study=name))
    with Store.open(target, read_only=True) as store:
        study = store.existing_study()
        if study.kind != "search":
            raise UserError(f"{target}: {study.name!r} is {kind_words(study.kind)}, not a search.")
        population, curves = own_trainings(store.population()), store.curves()
        measurements, snapshot = store.measurements(), store.snapshot()
        asked = {record.index: to_asked(record) for record in store.candidates()}
    for name_ in study.design["objectives"][1:]:
        population[name_] = [asked[index].value(name_) for index in population["index"]]
    finalists = random_repeats(study.design["repeat"], len(asked))
    notes = _notes(study, sum(len(each.refused) for each in asked.values()))
    return SearchConclusion(
        store=target,
        study=study,
        population=population,
        curves=curves,
        measurements=measurements,
        snapshot=snapshot,
        full=read_full_trainings(target, study.name, population),
        finalists=finalists,
        notes=notes,
        summary=_summary(study, population, finalists, notes),
    )


def load_any(place: Place, *, name: str | None = None) -> Conclusion | SearchConclusion:
    """Read a survey or a search from a store: the named one, or the only survey.

    Raises:
        UserError: there is no store, or it is not clear which study is meant.
    """
    target = parse_target(place, study=name)
    with Store.open(target, read_only=True) as store:
        kind = store.existing_study().kind
    return load_search(target) if kind == "search" else load_conclusion(target)


def _find(target: Target) -> Target:
    """The target with the name of its only search, if it names none."""
    if target.study is not None:
        return target
    with Store.open(target, read_only=True) as store:
        names = [study.name for study in store.studies() if study.kind == "search"]
    if len(names) == 1:
        return parse_target(target, study=names[0])
    there = ", ".join(map(repr, names))
    raise UserError(
        f"{target}: holds several searches: name one with --study: {there}."
        if names
        else f"{target}: holds no search; `dse run SPACE --search tpe` starts one."
    )


def _summary(
    study: StudyRecord, population: pd.DataFrame, finalists: int, notes: Sequence[str]
) -> SearchSummary:
    return summarise_search(
        population,
        objectives=study.design["objectives"],
        finalists=finalists,
        algorithm=study.design["algorithm"],
        embedded=is_embedded(study),
        notes=notes,
    )


def _notes(study: StudyRecord, refused: int) -> tuple[str, ...]:
    warm, budget = study.design["warm"], Budget.from_dict(study.budget)
    notes = [f"All networks lie in the budget of {budget}."]
    if refused:
        notes.append(
            f"Suggestions that cannot meet the budget or a predicate were refused {refused} times, "
            "and others asked for."
        )
    if warm is not None:
        place = "" if warm["store"] is None else f" in {warm['store']}"
        notes.append(
            f"The search began with trainings of the survey {warm['study']}{place} (networks "
            f"{warm['networks']}), which are not among its own."
        )
    notes.append(f"Optuna's tools find it in the same database as {study_name(study.name)!r}.")
    return tuple(notes)
