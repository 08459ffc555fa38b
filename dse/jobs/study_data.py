"""A study's record and tables as what pages show, and the conclusions about a part of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd

from dse.analysis.full import SELECTED
from dse.analysis.population import chosen, first_seeds, outcomes
from dse.analysis.references import Reference, reference_sentence
from dse.analysis.search import NO_SAMPLE_SENTENCE
from dse.analysis.summary import EMBEDDED_SENTENCE, Summary, summarise
from dse.architecture import Architecture
from dse.dashboard.view import LANDINGS, StudyData
from dse.errors import UserError
from dse.space import DesignSpace
from dse.space.language.design_space import space_from_definition
from dse.store.records import StudyRecord
from dse.store.target import Target
from dse.store.watching import Snapshot
from dse.study.caution import (
    duplicate_caution,
    imported_caution,
    kernel_caution,
    sampling_caution,
)
from dse.study.drawn import drawn_choices
from dse.study.plan import random_repeats
from dse.study.status import make_status

PAIRED_NOTE: Final = (
    "The networks of a paired study were chosen for each other: they are no sample of the space, "
    "and are in no statistic of a survey."
)
MOST_DRAWN_AGAIN: Final = 20_000
LOOKED_AT: Final = 500
"""So many trainings' networks are looked at for what the proxy cannot see."""


def study_data(
    study: StudyRecord,
    population: pd.DataFrame,
    *,
    store: Target,
    title: str,
    snapshot: Snapshot | None = None,
    **parts: Any,
) -> StudyData:
    """What pages may show of a study; `parts` are further fields of it.

    Args:
        study: its record.
        population: its trainings.
        store: where it is.
        title: what was studied.
        snapshot: how it stands, with all its landings.
    """
    status: Mapping[str, Any] = {}
    if snapshot is not None and study.kind != "imported":
        status = make_status(study.name, study.kind, snapshot).to_dict()
    return StudyData(
        name=study.name,
        kind=study.kind,
        title=title,
        store=str(store),
        population=population,
        landings=landings_of(snapshot),
        status=status,
        space=space_of(study),
        choices=choices_of(study, population),
        resolution=study.budget.get("resolution"),
        provenance=provenance_of(study, population),
        cautions=cautions_of(study),
        **parts,
    )


def landings_of(snapshot: Snapshot | None) -> pd.DataFrame:
    """A row a training that has ended, with the columns `LANDINGS`."""
    landings = () if snapshot is None else snapshot.landings
    rows = [[getattr(landing, name) for name in LANDINGS] for landing in landings]
    frame = pd.DataFrame(rows, columns=list(LANDINGS))
    return frame.assign(finished=pd.to_datetime(frame["finished"], utc=True))


def space_of(study: StudyRecord) -> DesignSpace | None:
    """The design space of a study; None where none is known, or not to this version."""
    try:
        return space_from_definition(study.space)
    except UserError:
        return None


def choices_of(study: StudyRecord, population: pd.DataFrame) -> pd.DataFrame | None:
    """What the networks of a survey were drawn with; None where that is not known.

    More than `MOST_DRAWN_AGAIN` are looked at by what they came to be, as it would take a while.
    """
    many = population["index"].nunique() > MOST_DRAWN_AGAIN
    if study.kind != "survey" or space_of(study) is None or many:
        return None
    return drawn_choices(study, population)


def provenance_of(study: StudyRecord, population: pd.DataFrame) -> Mapping[str, Any]:
    """What was asked, and where it was done."""
    devices = population[["device", "dtype"]].dropna().drop_duplicates()
    return {
        "study": study.name,
        "space": f"{study.space_name} ({study.space_hash})",
        "budget": study.budget,
        "seed": study.seed,
        "kind": study.kind,
        "design": study.design,
        "proxy": study.proxy,
        "devices": sorted(f"{row.device} in {row.dtype}" for row in devices.itertuples()),
        **study.provenance,
    }


def cautions_of(study: StudyRecord) -> tuple[str, ...]:
    """What every page that shows the study must say."""
    about = {
        "search": NO_SAMPLE_SENTENCE,
        "paired": PAIRED_NOTE,
        "imported": imported_caution(study.provenance.get("file", "")),
        "training": SELECTED,
    }
    told = [about[study.kind]] if study.kind in about else []
    return (*told, *([EMBEDDED_SENTENCE] if is_embedded(study) else []))


def is_embedded(study: StudyRecord) -> bool:
    """Whether its images are the embedded ones."""
    return bool(study.proxy.get("dataset", {}).get("source") == "fractals")


def survey_summary(
    study: StudyRecord,
    population: pd.DataFrame,
    references: Sequence[Reference] = (),
    *,
    whole: pd.DataFrame | None = None,
) -> Summary:
    """What a survey says, or what was measured elsewhere.

    Args:
        study: its record.
        population: its own trainings, or those of some of its networks.
        references: networks from outside the space.
        whole: all of its own trainings, if `population` are those of some.
    """
    everyone = population if whole is None else whole
    networks, repeat = int(everyone["index"].nunique()), study.design["repeat"]
    notes = (
        [imported_caution(study.provenance["file"])]
        if study.kind == "imported"
        else _notes(study, population, references)
    )
    share = repeat
    if whole is not None:
        finalists = finalists_among(chosen(repeat, networks), population, whole)
        share = finalists / max(int(population["index"].nunique()), 1)
    return summarise(
        population,
        random_subset=random_repeats(repeat, networks),
        embedded=is_embedded(study),
        top=networks,
        top_share=share,  # the best of all are the best of some, too
        notes=notes,
    )


def finalists_among(count: int, rows: pd.DataFrame, whole: pd.DataFrame) -> int:
    """How many of the networks of `rows` are among the `count` of lowest first error of all."""
    first = first_seeds(whole)
    best = first["index"].to_numpy()[np.argsort(outcomes(first), kind="stable")[:count]]
    return int(np.isin(best, rows["index"]).sum())


def recounted(references: Sequence[Reference], rows: pd.DataFrame) -> tuple[Reference, ...]:
    """References beside some of the networks that they were compared with."""
    surveyed = outcomes(first_seeds(rows))
    return tuple(
        replace(each, better=int(np.sum(surveyed < each.error)), networks=len(surveyed))
        for each in references
    )


def _notes(
    study: StudyRecord, population: pd.DataFrame, references: Sequence[Reference]
) -> list[str]:
    """What a survey rests on and cannot see."""
    channels = study.proxy["channels"]
    shapes = [Architecture.from_dict(network) for network in population["architecture"][:LOOKED_AT]]
    first = population[population["replicate"] == 0]
    cautions = (
        sampling_caution(study.design),
        duplicate_caution(first["architecture"]),
        kernel_caution(shapes, study.proxy["resolution"]),
    )
    told = [reference_sentence(reference, channels=channels) for reference in references]
    return told + [caution for caution in cautions if caution]
