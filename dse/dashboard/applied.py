"""A dashboard applied to studies: which of them, which networks of theirs, which sections."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from dse.dashboard import markup
from dse.dashboard.filters import Filter
from dse.dashboard.panels import PANELS
from dse.dashboard.panels.base import Options, Section
from dse.dashboard.spec import Dashboard
from dse.dashboard.view import StudyData, View
from dse.errors import UserError

FIRST = "notes"
"""The name of the section that says what must be known of all others."""


@dataclass(frozen=True, kw_only=True)
class Applied:
    """What a page shows.

    Attributes:
        title: its heading.
        subtitle: a line below it.
        view: the studies, with the networks that the dashboard asks for.
        sections: by name, in the order shown; none that has nothing to show.
    """

    title: str
    subtitle: str
    view: View
    sections: Mapping[str, Section]


def apply(dashboard: Dashboard, view: View) -> Applied:
    """What a dashboard shows of studies.

    Raises:
        UserError: it names a study or a column that is not there, or leaves no study.
    """
    chosen = _chosen(dashboard, view)
    narrow = narrowed(chosen, dashboard.networks)
    sections: dict[str, Section] = {}
    for shown in dashboard.panels:
        drawn = PANELS[shown.panel].draw(narrow, Options(columns=shown.columns))
        if drawn is not None:
            name = _free(shown.panel, sections)
            sections[name] = replace(drawn, title=shown.title or drawn.title)
    first = _first(dashboard, chosen, narrow)
    names = "; ".join(f"{study.kind} {study.name}" for study in narrow.studies)
    return Applied(
        title=dashboard.title or _title(narrow),
        subtitle=" ".join(filter(None, (f"Design-space {names}.", dashboard.about))),
        view=narrow,
        sections={**({FIRST: first} if first else {}), **sections},
    )


def narrowed(view: View, asked: Filter) -> View:
    """The same studies with the networks alone that meet a filter, each with its conclusion.

    A study is no sample any more if it was filtered by what only trainings tell.

    Raises:
        UserError: no study has a column that is asked for, or none is left.
    """
    if not asked:
        return view
    _require_columns(view, asked)
    whole = Filter(conditions={c: v for c, v in asked.conditions.items() if c == "study"})
    studies = [s for s in view.studies if whole.mask(pd.DataFrame({"study": [s.name]})).all()]
    if not studies:
        there = ", ".join(repr(study.name) for study in view.studies)
        raise UserError(f"filter: {asked.words}: leaves none of the studies {there}.")
    return View(studies=tuple(_part(study, asked) for study in studies))


def _part(study: StudyData, asked: Filter) -> StudyData:
    first = study.population[study.population["replicate"] == 0]
    kept = first["index"][asked.mask(first)]
    rows = study.population[study.population["index"].isin(kept)].reset_index(drop=True)
    part = study.keeping(rows) if study.keeping else replace(study, summary=None, search=None)
    return replace(
        part,
        population=rows,
        curves=_of(part.curves, kept),
        measurements=_of(part.measurements, kept),
        choices=None if part.choices is None else part.choices.loc[part.choices.index.isin(kept)],
        summary=part.summary if asked.is_on_paper else None,
        keeping=None,
    )


def _of(table: pd.DataFrame, kept: pd.Series[int]) -> pd.DataFrame:
    if "index" not in table:
        return table
    return table[table["index"].isin(kept)].reset_index(drop=True)


def _chosen(dashboard: Dashboard, view: View) -> View:
    there = {study.name: study for study in view.studies}
    for name in dashboard.studies:
        if name not in there:
            names = ", ".join(map(repr, there))
            raise UserError(f"dashboard: studies: there is no study {name!r}; there are: {names}.")
    return View(studies=tuple(there[name] for name in dashboard.studies or there))


def _require_columns(view: View, asked: Filter) -> None:
    known = sorted({str(c) for study in view.studies for c in study.population.columns})
    for column in asked.conditions:
        if column not in known:
            near = difflib.get_close_matches(column, known, n=1, cutoff=0.0)[0]
            raise UserError(f"filter: no study has a column {column!r}; did you mean {near!r}?")


def _first(dashboard: Dashboard, whole: View, part: View) -> Section | None:
    """What must be known of every number of the page, if no conclusion says it."""
    told = _filter_sentences(dashboard.networks, whole, part)
    concluded = any(shown.panel == "conclusion" for shown in dashboard.panels)
    for study in part.studies:
        said = study.sentences if concluded else ()
        told += [caution for caution in study.cautions if caution not in said]
    if not told:
        return None
    return Section(title="What this page shows", blocks=[markup.bullets(dict.fromkeys(told))])


def _filter_sentences(asked: Filter, whole: View, part: View) -> list[str]:
    """Which networks are shown, of how many."""
    if not asked:
        return []
    before = {study.name: study for study in whole.studies}
    counts = [
        f"{_count(study)} of {_count(before[study.name])} networks of {study.name}"
        for study in part.studies
    ]
    told = [f"Shown are the networks with {asked.words}: {', '.join(counts)}."]
    if any(before[study.name].is_sample for study in part.studies):
        told.append(
            "Statistics are of this part of the space alone."
            if asked.is_on_paper
            else "They were chosen by what their trainings came to or one by one, and are no "
            "random sample: no statistic of a population is made of them."
        )
    return told


def _count(study: StudyData) -> str:
    return f"{study.population['index'].nunique():,}"


def _free(name: str, taken: Mapping[str, Section]) -> str:
    """A name for a section that a page has for the first time, or once more."""
    again = (f"{name}-{k}" for k in itertools.count(2))
    return next(free for free in itertools.chain([name], again) if free not in taken)


def _title(view: View) -> str:
    titles = dict.fromkeys(study.title for study in view.studies)
    return " | ".join(titles) if len(titles) < 4 else f"{len(view.studies)} studies"
