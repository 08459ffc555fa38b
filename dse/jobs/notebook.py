"""A study in a notebook: its tables, its figures, what it says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dse.dashboard.applied import narrowed
from dse.dashboard.card import card
from dse.dashboard.filters import Filter
from dse.dashboard.panels import PANELS
from dse.dashboard.panels.base import Block, Group, Options, Plot
from dse.dashboard.report import write_report
from dse.dashboard.spec import load_dashboard
from dse.dashboard.view import StudyData, View
from dse.errors import UserError
from dse.jobs.conclude import require_no_store
from dse.jobs.shown import find_studies, read_study_data
from dse.store.target import Place, Target


class Population:
    """A study as it was when it was opened. In a notebook it shows its numbers and sentences.

    Attributes:
        data: everything that is known of it, as plain tables.
    """

    def __init__(self, data: StudyData, store: Target) -> None:
        self.data = data
        self._store = store

    @property
    def population(self) -> pd.DataFrame:
        """One row a training; columns as in docs/architecture.md."""
        return self.data.population

    @property
    def networks(self) -> pd.DataFrame:
        """The first training of every network that has ended, by index."""
        return self.data.networks

    @property
    def curves(self) -> pd.DataFrame:
        """One row an epoch of a training."""
        return self.data.curves

    @property
    def sentences(self) -> tuple[str, ...]:
        """What the study says, and what it must not be taken for."""
        return tuple(dict.fromkeys([*self.data.sentences, *self.data.cautions]))

    def where(self, asked: str | Mapping[str, Any]) -> Population:
        """The same study with some of its networks alone, concluded from again.

        Args:
            asked: a filter as an address has it, `arch.stem=patch&params=..3e7`, or as a
                dashboard's YAML, `{"arch.stem": "patch", "params": [None, 3e7]}`.

        Raises:
            UserError: it is no filter, or the study has not one of its columns.
        """
        found = Filter.parse(asked) if isinstance(asked, str) else Filter.from_plain(asked)
        (part,) = narrowed(self._view, found).studies
        return Population(part, self._store)

    def figures(self, panel: str, *, columns: tuple[str, ...] = ()) -> dict[str, go.Figure]:
        """The figures of a panel by name; none where there is nothing to show.

        Args:
            panel: its name, one of those that a dashboard may list.
            columns: what it shows, of the population's columns; empty for its own choice.

        Raises:
            UserError: there is no such panel.
        """
        if panel not in PANELS:
            raise UserError(f"{panel!r} is no panel; known panels: {', '.join(PANELS)}.")
        section = PANELS[panel].draw(self._view, Options(columns=columns))
        plots = _plots(section.blocks) if section else ()
        return {plot.name or panel: plot.figure for plot in plots}

    def figure(self, panel: str, name: str = "", *, columns: tuple[str, ...] = ()) -> go.Figure:
        """One figure of a panel: the named one, or the only one.

        Raises:
            UserError: there is none, or several and none is named; the sentence lists them.
        """
        found = self.figures(panel, columns=columns)
        if name in found or (not name and len(found) == 1):
            return found[name or next(iter(found))]
        there = ", ".join(map(repr, found)) or "none"
        raise UserError(f"{panel}: name one of its figures, not {name!r}; there are: {there}.")

    def report(self, path: str | Path, *, dashboard: str = "overview") -> Path:
        """Write the offline HTML report, and return its path.

        Raises:
            UserError: it cannot be written or would overwrite a store, or the dashboard is wrong.
        """
        require_no_store(Path(path), self._store)
        return write_report(self._view, dashboard=load_dashboard(dashboard), path=Path(path))

    @property
    def _view(self) -> View:
        return View(studies=(self.data,))

    def __repr__(self) -> str:
        n = self.population["index"].nunique()
        return f"<{self.data.kind} {self.data.name}: {n} networks in {self.data.store}>"

    def _repr_html_(self) -> str:
        return card(self.data)


def _plots(blocks: Iterable[Block]) -> Iterator[Plot]:
    for block in blocks:
        if isinstance(block, Group):
            yield from _plots(block.blocks)
        elif isinstance(block, Plot):
            yield block


def open_study(store: Place, *, study: str | None = None) -> Population:
    """Read a study of any kind from a store, which stays as it is.

    Args:
        store: a path, `STORE::NAME`, or a URL.
        study: its name, if the store has several.

    Raises:
        UserError: it cannot be read, or it is not clear which study is meant.
    """
    (target,) = find_studies([store], [study] if study else [])
    return Population(read_study_data(target), target)
