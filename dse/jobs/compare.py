"""Studies of several spaces, read from their stores, and what their comparison says."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dse.analysis.efficient.features import COSTS
from dse.analysis.population import first_seeds, outcomes
from dse.analysis.spaces.comparison import FEWEST, Compared, Side, compare
from dse.analysis.spaces.sentences import bad_sentences, conclusion
from dse.analysis.summary import EMBEDDED_SENTENCE, device_sentences
from dse.errors import UserError
from dse.space import Budget
from dse.space.language.design_space import space_from_definition
from dse.store.plain import IMPORTED_KEYS, flat_columns, flatten
from dse.store.records import CandidateRecord, StudyRecord, kind_words
from dse.store.store import Store
from dse.store.target import parse_target, split_study
from dse.study.caution import imported_caution, sampling_caution
from dse.study.plan import random_repeats
from dse.study.sampling import stored_sampler

PAPER = 10_000
"""Networks drawn on paper of each space, by default."""
APART = 2**32
"""Seeds of studies are below it: networks on paper are none of any study's."""
SHOWN = 6


@dataclass(frozen=True, kw_only=True)
class Studied:
    """A study as it was named, and as it was found.

    `whole` has every network of its space on paper, trained or not, if an import holds them all.
    """

    asked: str
    place: str
    study: StudyRecord
    population: pd.DataFrame
    whole: pd.DataFrame | None = None


@dataclass(frozen=True, kw_only=True)
class SpacesCompared:
    """Spaces compared: the numbers, a conclusion for each pair, and what they rest on."""

    found: Compared
    conclusions: tuple[str, ...]
    notes: tuple[str, ...]


def compare_job(
    asked: Sequence[str],
    *,
    baseline: bool = False,
    confidence: float = 0.95,
    paper: int = PAPER,
    tell: Callable[[str], None] = lambda _: None,
) -> SpacesCompared:
    """Compare the populations of studies, each `STORE` or `STORE::NAME`.

    Args:
        asked: two studies or more.
        baseline: compare the first with each other one alone, not all pairs.
        confidence: of every interval.
        paper: how many networks of each space to draw on paper for control variates; 0 for none.
            Of an import that holds its complete space, all are taken.
        tell: is told what takes a while.

    Raises:
        UserError: a store cannot be read, a study is no survey or has too few networks, or two of
            them hold the same networks.
    """
    if len(asked) < 2:
        raise UserError("name two studies or more, each as STORE or STORE::NAME")
    studies = [read_study(text) for text in asked]
    for a, b in itertools.combinations(studies, 2):
        require_different(a, b)
    names = names_of(studies)
    sides = []
    for name, each in zip(names, studies, strict=True):
        whole = bool(paper) and each.whole is not None
        if paper and each.study.kind != "imported":
            tell(f"drawing {paper:,} networks of {name} on paper")
        sides.append(
            Side(
                name=name,
                population=each.population,
                random_subset=random_repeats(
                    each.study.design["repeat"], int(each.population["index"].nunique())
                ),
                paper=each.whole if whole else paper_networks(each.study, paper),
                is_whole=whole,
            )
        )
    found = compare(sides, baseline=baseline, confidence=confidence)
    return SpacesCompared(
        found=found,
        conclusions=tuple(conclusion(p, len(found.pairs), confidence) for p in found.pairs),
        notes=(*bad_sentences(found), *_notes(names, studies)),
    )


def read_study(text: str) -> Studied:
    """The study that `STORE` or `STORE::NAME` means, with its population.

    Raises:
        UserError: there is none, or several, or it is no survey, or it has too few networks.
    """
    place, name = split_study(text)
    target = parse_target(place, study=name)
    with Store.open(target, read_only=True) as store:
        if name is None:
            there = [each.name for each in store.studies() if _is_sample(each)]
            if len(there) > 1:
                named = ", ".join(f"{target}::{each}" for each in there)
                raise UserError(f"{target}: holds several studies: name one: {named}.")
            name = there[0] if there else None
    with Store.open(parse_target(place, study=name), read_only=True) as store:
        study = store.existing_study()
        if not _is_sample(study):
            raise UserError(
                f"{target}::{study.name}: is {kind_words(study.kind)}, not a survey: its networks "
                "were chosen by their errors or for each other, and say nothing of how a space "
                "compares."
            )
        population = store.population()
        whole = _whole(store.candidates()) if study.design.get("complete") else None
    found = Studied(asked=text, place=str(target), study=study, population=population, whole=whole)
    ended = first_seeds(population)
    if len(ended) < FEWEST:
        raise UserError(
            f"{text}: the first training of {len(ended)} networks has ended; at least {FEWEST} "
            "are needed."
        )
    require_classes(text, ended)
    return found


def require_classes(asked: str, ended: pd.DataFrame) -> None:
    """Make sure that it is known what guessing would be worth, where any training ended badly.

    Raises:
        UserError: it is not, which only happens to what was imported without it.
    """
    if np.isinf(outcomes(ended)).any() and not (ended["classes"] > 0).all():
        raise UserError(
            f"{asked}: some networks ended badly, and the number of classes is not known, so that "
            "it cannot be said what guessing would be worth: import them under another name with "
            "--classes."
        )


def _is_sample(study: StudyRecord) -> bool:
    return study.kind in ("survey", "imported")


def require_different(a: Studied, b: Studied) -> None:
    """Make sure that two studies do not have the same networks.

    Raises:
        UserError: they have.
    """
    if a.study.kind != "survey" or b.study.kind != "survey":
        if (a.place, a.study.name) == (b.place, b.study.name):
            raise UserError(f"{a.asked} and {b.asked}: are one study.")
        return
    if _draws(a.study) == _draws(b.study):
        raise UserError(
            f"{a.asked} and {b.asked}: hold the same networks (one space, budget, seed and "
            "sampling); `dse fidelity` compares two proxies on the same networks."
        )


def _draws(study: StudyRecord) -> tuple[object, ...]:
    return (
        study.space_hash,
        study.seed,
        flatten(study.budget),
        flatten(study.design.get("sampling", {})),
    )


def names_of(studies: Sequence[Studied]) -> list[str]:
    """The shortest kind of name that tells the studies apart: space, study, or as asked."""
    kinds = (
        [each.study.space_name for each in studies],
        [each.study.name for each in studies],
        [f"{each.place}::{each.study.name}" for each in studies],
    )
    return next(names for names in kinds if len(set(names)) == len(names))


def paper_networks(study: StudyRecord, count: int) -> pd.DataFrame | None:
    """Networks of a study's space on paper: costs and `arch.` columns, one row each.

    Drawn as the study's were, with another seed. None of `count` 0, and where the space, or this
    version's way of sampling, is not that of the study.
    """
    if not count or "sampling" not in study.design:
        return None
    space = space_from_definition(study.space)
    if space.hash != study.space_hash:
        return None
    budget = Budget.from_dict(study.budget)
    sampler = stored_sampler(space, budget, study.seed + APART, study.design["sampling"])
    if sampler is None:
        return None
    batch = sampler.batch(np.arange(count))
    networks = [batch.architecture(row).to_dict() for row in range(count)]
    costs = pd.DataFrame(batch.draft.costs, columns=["flops", "params", "activations"])
    return costs.join(pd.DataFrame(flat_columns(networks)).add_prefix("arch."))


def _whole(networks: Sequence[CandidateRecord]) -> pd.DataFrame:
    """All networks of an import on paper: choices, and the costs that are told of every one."""
    costs = pd.DataFrame([{cost: getattr(each, cost) for cost in COSTS} for each in networks])
    choices = [
        {name: value for name, value in each.architecture.items() if name not in IMPORTED_KEYS}
        for each in networks
    ]
    columns = pd.DataFrame(flat_columns(choices), index=costs.index).add_prefix("arch.")
    return costs.dropna(axis=1).join(columns)


def _notes(names: Sequence[str], studies: Sequence[Studied]) -> list[str]:
    """What the comparison rests on, or what else may explain a difference."""
    notes = []
    for name, each in zip(names, studies, strict=True):
        networks, ended = int(each.population["index"].nunique()), len(first_seeds(each.population))
        if ended < networks:
            notes.append(
                f"{name}: {networks - ended} of {networks} networks have not ended, and are not "
                "counted."
            )
        caution = sampling_caution(each.study.design)
        if each.study.kind != "survey":
            caution = imported_caution(each.study.provenance["file"])
        notes += [f"{name}: {caution}"] if caution else []
    for (name, a), (other, b) in itertools.combinations(zip(names, studies, strict=True), 2):
        notes += _pair_notes(f"{name} and {other}", a.study, b.study)
    notes += device_sentences(pd.concat([each.population for each in studies]))
    if any(flatten(each.study.proxy).get("dataset.source") == "fractals" for each in studies):
        notes.append(EMBEDDED_SENTENCE.replace("this study", "this comparison"))
    return notes


def _pair_notes(both: str, a: StudyRecord, b: StudyRecord) -> list[str]:
    if a.kind != "survey" or b.kind != "survey":
        return [
            f"{both} are not known to have been trained alike: how they were trained may be all or "
            "part of their difference."
        ]
    notes = []
    for what, there, here in (("proxies", a.proxy, b.proxy), ("budgets", a.budget, b.budget)):
        changed = _changes(there, here)
        if changed:
            notes.append(
                f"{both} have different {what} ({changed}), which may be all or part of their "
                "difference."
            )
    if a.space_hash == b.space_hash and a.seed == b.seed:
        notes.append(
            f"{both} are of one space and one seed and share draws of shapes: intervals and tests "
            "here take them for independent, which they are not; give one study another seed."
        )
    return notes


def _changes(a: dict[str, object], b: dict[str, object]) -> str:
    there, here = flatten(a), flatten(b)
    keys = [key for key in sorted(there.keys() | here.keys()) if there.get(key) != here.get(key)]
    told = [f"{key} {there.get(key)} and {here.get(key)}" for key in keys[:SHOWN]]
    return "; ".join(told + (["..."] if len(keys) > SHOWN else []))
