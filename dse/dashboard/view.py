"""What a page may show: plain tables of one or several studies, read in one go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal

import pandas as pd

from dse.analysis.factors.levels import Networks
from dse.analysis.factors.levels import networks as levelled
from dse.analysis.full import FullTraining
from dse.analysis.population import first_seeds
from dse.analysis.references import Reference
from dse.analysis.search import SearchSummary
from dse.analysis.summary import Summary
from dse.dashboard import theme
from dse.space import DesignSpace

Kind = Literal["survey", "search", "paired", "imported", "training"]
LANDINGS: Final = ("index", "replicate", "state", "seconds", "finished")


@dataclass(frozen=True, kw_only=True)
class StudyData:
    """All that is known of one study.

    Attributes:
        name: as its store has it; unique on a page.
        kind: a search's networks are no sample of the space, so that no statistic of a population
            is made of them, nor of those that were trained fully (`training`); what was measured
            elsewhere (`imported`) cannot be drawn or exported.
        title: what was studied, in a few words.
        store: where it is, as people write it in a command.
        population: one row a training, see `docs/architecture.md`.
        curves: one row an epoch of a training (`index`, `replicate`, `epoch`, `error`, ...).
        measurements: one row a number measured on a network (`index`, `name`, `value`, ...).
        landings: one row a training that has ended, see `LANDINGS`; `finished` is in UTC.
        status: how it stands, as `dse status --json` says it; empty where it is not told.
        references: networks from outside the space under the same proxy.
        full: full trainings of its networks.
        summary: what it says; None if it is no sample.
        search: what a search found; None if it is none.
        space: what its networks were drawn from; None where that is not known.
        choices: what each network was drawn with, a row a network by its number and a column a
            slot of the space; None where that is not known.
        fanova: importances by another's fANOVA, by slot; empty where there are none.
        resolution: of the full networks' images [px]; None if they cannot be drawn.
        provenance: shown as it is.
        cautions: what every page that shows the study must say.
        keeping: the study of some of its trainings alone, which are given, concluded from again;
            None where that cannot be done.
    """

    name: str
    kind: Kind
    title: str
    store: str
    population: pd.DataFrame
    curves: pd.DataFrame
    measurements: pd.DataFrame = field(default_factory=pd.DataFrame)
    landings: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(LANDINGS)))
    status: Mapping[str, Any] = field(default_factory=dict)
    references: tuple[Reference, ...] = ()
    full: tuple[FullTraining, ...] = ()
    summary: Summary | None = None
    search: SearchSummary | None = None
    space: DesignSpace | None = None
    choices: pd.DataFrame | None = None
    fanova: Mapping[str, float] = field(default_factory=dict)
    resolution: int | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    cautions: tuple[str, ...] = ()
    keeping: Callable[[pd.DataFrame], StudyData] | None = field(default=None, repr=False)

    @cached_property
    def networks(self) -> pd.DataFrame:
        """The first training of every network that has ended, by index."""
        return first_seeds(self.population)

    @cached_property
    def levels(self) -> Networks:
        """The same with every parameter as levels, which the estimators of what matters count.

        Parameters are what the networks were drawn with, else they are read off the networks.
        """
        return levelled(self.population, self.choices)

    @property
    def heading(self) -> str:
        """Its name, and its kind where it is no survey."""
        return self.name if self.kind == "survey" else f"{self.name} ({self.kind})"

    @property
    def sentences(self) -> tuple[str, ...]:
        """What it says."""
        concluded = self.summary or self.search
        return concluded.sentences if concluded else ()

    @property
    def is_sample(self) -> bool:
        """Whether statistics of a population may be made of it."""
        return self.summary is not None


@dataclass(frozen=True, kw_only=True)
class View:
    """The studies of a page, in the order of their colours."""

    studies: tuple[StudyData, ...]

    @property
    def samples(self) -> tuple[StudyData, ...]:
        """Those that statistics of a population may be made of."""
        return tuple(study for study in self.studies if study.is_sample)

    @property
    def references(self) -> tuple[Reference, ...]:
        """Of all studies."""
        return tuple(reference for study in self.studies for reference in study.references)

    def colour(self, study: StudyData) -> str:
        """The study's colour, the same in every figure of the page."""
        place = self.studies.index(study)
        return theme.STUDIES[place % len(theme.STUDIES)]
