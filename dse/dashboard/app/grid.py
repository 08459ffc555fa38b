"""The table of selected networks, row by row as the browser asks for them."""

from __future__ import annotations

import html
import io
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dse.analysis.factors.effects import varied_columns
from dse.analysis.population import outcomes
from dse.dashboard.app.selection import choose
from dse.dashboard.filters import Filter, level, numbers
from dse.dashboard.labels import label, word
from dse.dashboard.view import StudyData, View

COSTS: Final = ("flops", "params", "activations", "seconds")
TITLES: Final = {"index": "Network", "study": "Study"}
Order = Sequence[Mapping[str, str]]
"""ag-grid's sort model: `colId` and `sort`, the first one first."""


class NetworkTable:
    """The networks of all studies of a view in one table."""

    def __init__(self, view: View) -> None:
        self.names = _shown_columns(view)
        self._view = view
        wanted = [*dict.fromkeys([*self.names, "index", "state"])]
        parts = [
            study.networks.reindex(columns=wanted).assign(
                study=study.name, error=outcomes(study.networks)
            )
            for study in view.studies
        ]
        self._whole = pd.concat(parts, ignore_index=True)
        self._numbers = {name: numbers(self._whole[name]) is not None for name in self.names}
        self._last: tuple[tuple[str, str], NDArray[np.int64]] | None = None

    def definitions(self) -> list[dict[str, Any]]:
        """What ag-grid shows, column by column; field names hold no dot, which it takes apart."""
        return [
            {
                "field": _field(name),
                "headerName": TITLES.get(name) or html.unescape(label(name).axis),
                **({"type": "rightAligned"} if self._numbers[name] and name != "index" else {}),
                **({"cellRenderer": "DseNetwork", "pinned": "left"} if name == "index" else {}),
            }
            for name in self.names
        ]

    def rows(
        self, asked: Filter, *, start: int, end: int, order: Order = ()
    ) -> tuple[list[dict[str, Any]], int]:
        """The selected networks from `start` to `end` in an order, and how many there are.

        Without an order the best come first; of those sorted by error, bad ends are the last.
        """
        places = self._places(asked, order)
        part = self._whole.iloc[places[start:end]]
        columns = {_field(name): self._shown(name, part) for name in self.names}
        pairs = zip(part["study"], part["index"], strict=True)
        columns["href"] = [network_path(study, index) for study, index in pairs]
        shown = zip(*columns.values(), strict=True)
        return [dict(zip(columns, values, strict=True)) for values in shown], len(places)

    def _places(self, asked: Filter, order: Order) -> NDArray[np.int64]:
        """The rows of the selection in their order; kept for those who scroll on."""
        key = (str(asked), repr(order))
        last = self._last
        if last is not None and last[0] == key:
            return last[1]
        masks = [chosen.mask for chosen in choose(self._view, asked)]
        names = {_field(name): name for name in self.names}
        by = [(names[o["colId"]], o["sort"] == "desc") for o in order if o.get("colId") in names]
        found = np.flatnonzero(np.concatenate(masks))
        part = self._whole.iloc[found]
        for name, down in reversed(by or [("error", False)]):
            values = self._sortable(name, part)
            places = values.argsort(kind="stable")
            if down:
                places = (-values.rank(method="dense", na_option="keep")).argsort(kind="stable")
            part = part.iloc[places.to_numpy()]
        ordered = part.index.to_numpy(dtype=np.int64)
        self._last = (key, ordered)
        return ordered

    def _sortable(self, name: str, part: pd.DataFrame) -> pd.Series[Any]:
        """Numbers as they are, everything else as text."""
        if self._numbers[name]:
            return part[name].astype(float)
        return pd.Series([level(value) for value in part[name]], index=part.index)

    def _shown(self, name: str, part: pd.DataFrame) -> list[Any]:
        if name in ("index", "study"):
            return part[name].tolist()
        if name == "error":
            pairs = zip(part["error"], part["state"], strict=True)
            return [_outcome(error, state) for error, state in pairs]
        if not self._numbers[name]:
            return [html.unescape(word(level(value))) for value in part[name]]
        known, values = label(name), part[name].astype(float)
        if known.factor == 1 and not known.decimals:
            return [level(value) if np.isfinite(value) else "–" for value in values]
        return [known.number(value) for value in values]


def csv(view: View, asked: Filter) -> str:
    """The selected networks in stored units; `error` is empty where there is none."""
    parts = []
    for chosen in choose(view, asked):
        part = chosen.rows.drop(columns=["architecture", "study"], errors="ignore")
        part.insert(0, "study", chosen.study.name)
        parts.append(part)
    written = io.StringIO()
    whole = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    whole.to_csv(written, index=False, lineterminator="\n")
    return written.getvalue()


def network_path(study: str, index: int) -> str:
    """Where a network's page is."""
    return f"/network/{quote(study, safe='')}/{index}"


def _shown_columns(view: View) -> list[str]:
    """Those that tell networks apart, of any study."""
    found = [] if len(view.studies) < 2 else ["study"]
    found += ["index", "error"]
    for study in view.studies:
        found += [c for c in COSTS if c in study.networks and study.networks[c].notna().any()]
    for study in view.studies:
        found += _varied(study)
    return list(dict.fromkeys(found))


def _varied(study: StudyData) -> list[str]:
    return [name for name in varied_columns(study.networks) if name.startswith("arch.")]


def _outcome(error: float, state: str) -> str:
    return label("error").number(error) if np.isfinite(error) else state.replace("_", " ")


def _field(name: str) -> str:
    return name.replace(".", "/")
