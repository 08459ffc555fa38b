"""`dse explain`: what matters in a survey, and the narrower space that it proposes.

What was measured elsewhere is explained by the choices that its file tells; it proposes values to
leave out, but no space, as none is known that its networks were drawn from.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from dse.analysis.factors.effects import MAX_LEVELS, PREFIX, column_values, varied_columns
from dse.analysis.factors.explanation import Explanation, explanation
from dse.analysis.factors.levels import networks
from dse.analysis.factors.narrowing import Kept
from dse.analysis.population import first_seeds
from dse.analysis.summary import EMBEDDED_SENTENCE, count_sentence
from dse.errors import UserError
from dse.files import write_whole
from dse.jobs.compare import require_classes
from dse.space import Budget, DesignSpace, Sampler, load_space
from dse.space.language.design_space import space_from_definition
from dse.space.language.narrow import Limits, narrowed, settable
from dse.store.plain import flatten
from dse.store.records import STATES, StudyRecord, kind_words
from dse.store.store import Store
from dse.store.target import Place, Target, parse_target
from dse.study.caution import imported_caution, sampling_caution
from dse.study.drawn import drawn_choices
from dse.study.importance import fanova, has_fanova
from dse.units import format_count

SPACES = Path("spaces")
TRIED = 16
"""So many networks are drawn of a new space before it is announced."""
ALIKE = 1.1
"""Networks whose FLOPs differ by at most this factor are of one size."""


@dataclass(frozen=True, kw_only=True)
class Explained:
    """What a survey, or an imported study, says about its parameters.

    Attributes:
        store: where the store is.
        study: what was asked.
        found: every table.
        sentences: what holds for all of them.
        is_drawn: whether parameters are what the networks were drawn with; else they are read off
            the networks, and no narrower space can be written.
    """

    store: Target
    study: StudyRecord
    found: Explanation
    sentences: tuple[str, ...]
    is_drawn: bool

    @property
    def space(self) -> DesignSpace:
        """The space of the survey."""
        return space_from_definition(self.study.space)

    def write_space(self, output: str | Path) -> Path:
        """Write the proposed space as a file that extends the present one.

        The present space is looked for beside the file and under spaces/; where it is not, it is
        written beside the file. The new one is loaded and drawn from before it is given its name.

        Raises:
            UserError: nothing is proposed, or the file is there already, cannot be written, or its
                networks cannot meet the budget.
        """
        path = Path(output)
        if path.suffix not in (".yaml", ".yml"):
            raise UserError(f"{path}: give a name that ends in .yaml.")
        if path.exists():
            raise UserError(f"{path}: is there already; name another file.")
        if self.study.kind == "imported":
            raise UserError(
                f"{self.store}: {self.study.name!r} was measured elsewhere: its choices are "
                f"columns of {self.study.provenance['file']}, which no space can be written from."
            )
        if not self.is_drawn:
            raise UserError(
                f"{self.store}: what its networks were drawn with is not known (another version "
                "drew them, or measured limits chose them), so that no space can be written."
            )
        if not self.found.narrowing.kept:
            raise UserError(
                f"{self.store}: no value is shown to be worse than the others, so there is no "
                "narrower space to write; train more networks."
            )
        parent = _parent(self.space, path)
        data = self._document(path, parent)
        trial = path.with_name(f".trial-{path.name}")
        header = f"# Proposed by `dse explain` from {self.study.name!r}; see its gain there.\n"
        content = header + _as_yaml(data)
        try:
            write_whole(trial, content)
            self._try(load_space(trial))
        finally:
            trial.unlink(missing_ok=True)
        write_whole(path, content)
        return path

    def _document(self, path: Path, parent: Path) -> dict[str, Any]:
        kept = {row.name: _limits(row) for row in self.found.narrowing.kept}
        name = re.sub(r"[^A-Za-z0-9_.-]", "-", path.stem)[:64].lstrip("_.-") or "narrower"
        return {
            "format": 1,
            "name": name,
            "description": (
                f"{self.study.space_name} without the values that "
                f"{self.found.narrowing.chosen_on} networks show to be worse."
            ),
            "extends": os.path.relpath(parent.resolve(), path.parent.resolve()),
            "parameters": narrowed(self.space, kept),
        }

    def _try(self, space: DesignSpace) -> None:
        """Draw from the space at the survey's budget, but for what must be measured."""
        budget = Budget.from_dict(self.study.budget)
        if not budget.measured:
            sampling = self.study.design.get("sampling", {})
            population = sampling.get("population", "solved")
            list(Sampler(space=space, budget=budget, population=population).samples(TRIED))


def explain_survey(place: Place, *, name: str | None = None) -> Explained:
    """Read a survey, or what was measured elsewhere, from a store and explain it.

    Raises:
        UserError: there is no store, it holds no survey, or several and none is named, the named
            study is a search or paired, or fewer than two of its trainings have ended.
    """
    target = parse_target(place, study=name)
    with Store.open(target, read_only=True) as store:
        study = store.existing_study()
        if study.kind not in ("survey", "imported"):
            raise UserError(
                f"{target}: {study.name!r} is {kind_words(study.kind)}, not a survey: what matters "
                "in a space is told from a survey of it."
            )
        population = store.population()
    return explain_population(study, population, target)


def explain_population(study: StudyRecord, population: pd.DataFrame, store: Target) -> Explained:
    """Explain a study whose trainings are read already.

    Raises:
        UserError: fewer than two trainings have ended, or an import has some that ended badly and
            does not tell the number of classes.
    """
    names: tuple[str, ...] = ()
    if study.kind == "imported":
        require_classes(str(store), first_seeds(population))
        names = _names(population)
        population = population.drop(columns=list(names))
    choices = None if study.kind == "imported" else drawn_choices(study, population)
    found = networks(population, choices)
    if len(found) < 2:
        raise UserError(
            f"{store}: {len(found)} first trainings have ended; two at least are needed."
        )
    free = None if choices is None else settable(space_from_definition(study.space))
    explained = explanation(found, settable=free, fanova=fanova(found))
    return Explained(
        store=store,
        study=study,
        found=explained,
        sentences=tuple(_sentences(study, population, choices is not None, names)),
        is_drawn=choices is not None,
    )


def _names(population: pd.DataFrame) -> tuple[str, ...]:
    """Columns of so many different texts that they name networks more than they are choices."""
    columns = varied_columns(first_seeds(population))
    values = ((column, column_values(population, column)) for column in columns)
    return tuple(
        column
        for column, found in values
        if not pd.api.types.is_numeric_dtype(found) and found.nunique() > MAX_LEVELS
    )


def _sentences(
    study: StudyRecord, population: pd.DataFrame, is_drawn: bool, names: Sequence[str]
) -> Iterator[str]:
    counts = population.loc[population["replicate"] == 0, "state"].value_counts()
    yield count_sentence({state: int(counts.get(state, 0)) for state in STATES})
    if study.kind == "imported":
        yield from _imported_sentences(study.provenance["file"], population["flops"], names)
    elif is_drawn:
        yield (
            "Parameters are what the networks were drawn with; widths follow from these and the "
            "budget."
        )
    else:
        yield (
            "What the networks were drawn with is not known, so parameters are read off the "
            "networks, and depend on each other where a budget sets widths."
        )
    if study.kind != "imported":
        yield (
            "These are associations over first trainings with one recipe: other recipes may favour "
            "other choices."
        )
    if not has_fanova():
        yield "There is no fANOVA beside: it needs scikit-learn (pip install 'dse[explain]')."
    caution = sampling_caution(study.design)
    if caution:
        yield caution
    if flatten(study.proxy).get("dataset.source") == "fractals":
        yield EMBEDDED_SENTENCE


def _imported_sentences(file: str, flops: pd.Series, names: Sequence[str]) -> Iterator[str]:
    yield f"Parameters are the choices that {file} tells."
    if names:
        listed = ", ".join(name.removeprefix(PREFIX) for name in names)
        yield f"Left out, as texts of more than {MAX_LEVELS} values: {listed}."
    yield (
        "These are associations over first trainings; where networks had different recipes, these "
        "are part of them."
    )
    if flops.max() > ALIKE * flops.min():
        low, high = (format_count(found, "FLOPs") for found in (flops.min(), flops.max()))
        yield (
            f"Networks have from {low} to {high}, and nothing here holds that: a choice that goes "
            "with size is credited with what size does."
        )
    yield imported_caution(file)


def _limits(row: Kept) -> Limits:
    return (row.low, row.high) if row.is_range else frozenset(row.left_out)


def _parent(space: DesignSpace, path: Path) -> Path:
    """The file of a space, written beside `path` where it is nowhere."""
    for folder in (path.parent, SPACES):
        for file in sorted(folder.glob("*.yaml")):
            if _hash(file) == space.hash:
                return file
    file = path.with_name(f"{space.name}.yaml")
    if file.exists() or file == path:
        file = path.with_name(f"{space.name}-{space.hash}.yaml")
    write_whole(file, _as_yaml(space.definition()))
    return file


def _hash(file: Path) -> str:
    try:
        return load_space(file).hash
    except UserError:  # another file
        return ""


def _as_yaml(data: dict[str, Any]) -> str:
    return yaml.safe_dump(
        data, sort_keys=False, allow_unicode=True, default_flow_style=None, width=96
    )
