"""From a search in a store to what a person reads: sentences, the best networks, the front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from dse.analysis.population import own_trainings
from dse.analysis.search import SearchSummary, summarise_search
from dse.analysis.summary import EMBEDDED_SENTENCE
from dse.errors import UserError
from dse.export.folder import export_networks
from dse.jobs.conclude import STUDIES, Conclusion, load_conclusion, outputs_of
from dse.space import Budget
from dse.store.records import StudyRecord, kind_words
from dse.store.store import Store
from dse.store.target import Place, Target, parse_target
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
        summary: what it says.
    """

    store: Target
    study: StudyRecord
    population: pd.DataFrame
    summary: SearchSummary

    @property
    def best_folder(self) -> Path:
        """Where the best networks go by default: beside the store, under the study's name."""
        folder = STUDIES if self.store.path is None else self.store.path.parent
        return outputs_of(folder / f"{self.study.name}.db")[1]

    def write_export(
        self, output: str | Path | None = None, *, top: int = 5, ids: Sequence[int] = ()
    ) -> list[Path]:
        """Write the `top` best networks, or the networks `ids`, as YAML files.

        Raises:
            UserError: an id is unknown, there is no best network, or the folder cannot be written.
        """
        indices = list(ids) or [place.index for place in self.summary.ranked[:top]]
        if not indices:
            raise UserError(
                f"{self.store}: no network was trained to the end with all its seeds, so there is "
                "no best one; --id N exports network N."
            )
        study = self.study
        return export_networks(
            self.population,
            indices,
            output or self.best_folder,
            ranked={place.index: place for place in self.summary.ranked},
            study={
                "study": study.name,
                "kind": study.kind,
                "space": f"{study.space_name} ({study.space_hash})",
                "budget": study.budget,
                "seed": study.seed,
                "design": study.design,
                "proxy": study.proxy,
                **study.provenance,
            },
            caution=EMBEDDED_SENTENCE if _is_embedded(study) else None,
        )


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
        population = own_trainings(store.population())
        asked = {record.index: to_asked(record) for record in store.candidates()}
    design = study.design
    for name_ in design["objectives"][1:]:
        population[name_] = [asked[index].value(name_) for index in population["index"]]
    summary = summarise_search(
        population,
        objectives=design["objectives"],
        finalists=random_repeats(design["repeat"], len(asked)),
        algorithm=design["algorithm"],
        embedded=_is_embedded(study),
        notes=_notes(study, sum(len(each.refused) for each in asked.values())),
    )
    return SearchConclusion(store=target, study=study, population=population, summary=summary)


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


def _notes(study: StudyRecord, refused: int) -> list[str]:
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
    return notes


def _is_embedded(study: StudyRecord) -> bool:
    return bool(study.proxy["dataset"]["source"] == "fractals")
