"""From a store to what a person reads: conclusion, report, export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from dse.analysis.full import FullTraining, full_of
from dse.analysis.population import own_trainings
from dse.analysis.references import Reference, compare_references
from dse.analysis.summary import EMBEDDED_SENTENCE, Summary
from dse.dashboard.report import write_report
from dse.dashboard.view import StudyData, View
from dse.errors import UserError
from dse.export.folder import Source
from dse.export.form import Form
from dse.jobs.exported import place_for_files, write_best
from dse.jobs.study_data import provenance_of, recounted, study_data, survey_summary
from dse.jobs.trained import read_full_trainings
from dse.space import Budget
from dse.store.records import StudyRecord, kind_words
from dse.store.store import Store
from dse.store.target import Place, Target, parse_target
from dse.store.watching import Snapshot

STUDIES = Path("studies")
COMPANIONS = ("-wal", "-shm", "-journal", ".lock")
SQLITE_HEADER = b"SQLite format 3\x00"


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """Everything that is known of a study, read from its store in one go.

    Attributes:
        store: where the store is.
        place: what report and networks lie beside and are named after, see `place_of`.
        study: what was asked.
        population: one row a training.
        curves: one row an epoch of a training.
        measurements: one row a number measured on a network.
        snapshot: how it stood when it was read; None where that is not told.
        references: networks from outside the space under the same proxy.
        full: full trainings of its networks.
        summary: what it says.
    """

    store: Target
    place: Path
    study: StudyRecord
    population: pd.DataFrame
    curves: pd.DataFrame
    measurements: pd.DataFrame = field(default_factory=pd.DataFrame)
    snapshot: Snapshot | None = None
    references: tuple[Reference, ...] = ()
    full: tuple[FullTraining, ...] = ()
    summary: Summary

    @property
    def title(self) -> str:
        """What was surveyed."""
        if self.study.kind == "imported":
            return f"{self.study.name}: measured elsewhere"
        return f"{self.study.space_name} at {Budget.from_dict(self.study.budget)}"

    def write_report(self, output: str | Path | None = None) -> Path:
        """Write the offline HTML report.

        Raises:
            UserError: it cannot be written, or would overwrite a store.
        """
        path = Path(output) if output else outputs_of(self.place)[0]
        require_no_store(path, self.store)
        return write_report(View(studies=(self.data,)), path=path)

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
            references=self.references,
            full=full_of(self.full, self.population),
            summary=self.summary,
            keeping=self._keeping,
        )

    def _keeping(self, rows: pd.DataFrame) -> StudyData:
        """The same of some of its trainings."""
        references = recounted(self.references, rows)
        summary = survey_summary(self.study, rows, references, whole=self.population)
        return replace(self, population=rows, references=references, summary=summary).data

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
        if self.study.kind == "imported":
            raise UserError(
                f"{self.store}: {self.study.name!r} was measured elsewhere: its networks are known "
                "by their choices alone, and cannot be exported."
            )
        source = Source(
            population=self.population,
            ranked={ranked.index: ranked for ranked in self.summary.best},
            study=provenance_of(self.study, self.population),
            caution=EMBEDDED_SENTENCE if self.summary.embedded else None,
            store=place_for_files(self.store),
        )
        folder = output or outputs_of(self.place)[1]
        return write_best(source, self.store, folder, top=top, ids=ids, form=form)


def require_no_store(path: Path, *stores: Target) -> None:
    """Refuse to write a report over a database, those of its studies above all.

    Raises:
        UserError: it would be.
    """
    places = [store.path for store in stores if store.path is not None]
    own = [place.with_name(f"{place.name}{end}") for place in places for end in ("", *COMPANIONS)]
    if any(path.resolve() == file.resolve() for file in own) or is_database(path):
        raise UserError(f"{path}: is a store; name another file for the report.")


def outputs_of(store: Path) -> tuple[Path, Path]:
    """Where the report and the best networks of a store go by default: beside it.

    >>> [path.name for path in outputs_of(Path("study.db"))]
    ['study.html', 'study.best']
    >>> [path.name for path in outputs_of(Path("study.v1"))]
    ['study.v1.html', 'study.v1.best']
    """
    name = store.stem if store.suffix == ".db" else store.name
    return store.with_name(f"{name}.html"), store.with_name(f"{name}.best")


def logs_of(place: Path) -> Path:
    """Where the logs of a study's workers go, beside its other outputs."""
    return outputs_of(place)[0].with_suffix(".logs")


def place_of(store: Store) -> Path:
    """What a study's outputs lie beside and are named after.

    The first survey of a file is named as the file; all others have their own names.
    """
    surveys = [study.name for study in store.studies() if study.kind == "survey"]
    name, path = store.existing_study().name, store.target.path
    if path is not None and surveys[:1] == [name]:
        return path
    return (STUDIES if path is None else path.parent) / f"{name}.db"


def is_database(path: Path) -> bool:
    """Whether a file is an SQLite database.

    Not for a store that this process has open: closing the file would drop SQLite's locks on it.
    """
    try:
        with path.open("rb") as file:
            return file.read(len(SQLITE_HEADER)) == SQLITE_HEADER
    except OSError:
        return False


def load_conclusion(place: Place, *, name: str | None = None) -> Conclusion:
    """Read a survey, or what was measured elsewhere: the named study, or the only one.

    Raises:
        UserError: there is no store, it holds no survey, or several and none is named, or the
            named study is no survey.
    """
    target = parse_target(place, study=name)
    with Store.open(target, read_only=True) as store:
        study = store.existing_study()
        if study.kind not in ("survey", "imported"):
            raise UserError(
                f"{target}: {study.name!r} is {kind_words(study.kind)}: its networks are no sample "
                "of the space, which the conclusions about a survey rest on; `dse search` shows a "
                "search."
            )
        population, curves = store.population(), store.curves()
        outputs = place_of(store)
        references = compare_references(store.population(references=True), population)
        measurements, snapshot = store.measurements(), store.snapshot()
    if study.kind != "imported":
        population = own_trainings(population)
    return Conclusion(
        store=target,
        place=outputs,
        study=study,
        population=population,
        curves=curves,
        measurements=measurements,
        snapshot=snapshot,
        references=references,
        full=read_full_trainings(target, study.name, population),
        summary=survey_summary(study, population, references),
    )


def newest_store() -> Path:
    """The store that was written last under studies/.

    Raises:
        UserError: there is none.
    """
    stores = sorted(STUDIES.glob("*.db"), key=lambda path: path.stat().st_mtime)
    if not stores:
        raise UserError(f"{STUDIES}/: there is no store (*.db) here; name one.")
    return stores[-1]
