"""What is said of a selection where the browser has not all networks; `statistics.js` in Python."""

from __future__ import annotations

import base64
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dse.analysis.estimate import FloatArray
from dse.analysis.population import outcomes
from dse.dashboard.columns import MISSING, pack_curves
from dse.dashboard.filters import Filter, Range
from dse.dashboard.view import StudyData, View

MOST_STEPS: Final = 1000
MOST_CURVES: Final = 30
CONFIDENCE: Final = 0.95
KEPT: Final = 16


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The selected networks of one study: which of `StudyData.networks`, in order."""

    study: StudyData
    mask: NDArray[np.bool_]

    @property
    def rows(self) -> pd.DataFrame:
        """They themselves."""
        return self.study.networks[self.mask]


def choose(view: View, asked: Filter) -> list[Chosen]:
    """The networks of each study that a filter keeps."""
    found = []
    for study in view.studies:
        mask = study_mask(study, asked)
        found.append(Chosen(study=study, mask=mask))
    return found


def study_mask(study: StudyData, asked: Filter) -> NDArray[np.bool_]:
    """Which networks of one study a filter keeps; `study` is the name on the page."""
    rest = {c: condition for c, condition in asked.conditions.items() if c != "study"}
    names = asked.conditions.get("study")
    if names is not None and (isinstance(names, Range) or study.name not in names):
        return np.zeros(len(study.networks), dtype=np.bool_)
    return Filter(conditions=rest).mask(study.networks)


class Answers:
    """Answers to filters, the last few of which are kept for each revision."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], Any] = OrderedDict()
        self._curves: tuple[str, dict[str, tuple[list[int], FloatArray]]] = ("", {})
        self._lock = threading.Lock()

    def answer(self, revision: str, view: View, asked: Filter) -> list[dict[str, Any]]:
        """For each study how many are selected, their EDF, median curve and some curves."""
        key = (revision, str(asked))
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return list(self._kept[key])
        made = [self._of(revision, chosen) for chosen in choose(view, asked)]
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made

    def _of(self, revision: str, chosen: Chosen) -> dict[str, Any]:
        errors = outcomes(chosen.rows)
        epochs, table = self._table(revision, chosen.study)
        mine = table[chosen.mask]
        bad = ~np.isfinite(errors)
        own = bool(len(errors) and epochs)
        return {
            "n": len(errors),
            "edf": edf_value(errors) if len(errors) else None,
            "median": _plain(median_curve(mine, bad)) if own else None,
            "curves": [_plain(mine[k]) for k in evenly(len(mine), MOST_CURVES)] if own else [],
        }

    def _table(self, revision: str, study: StudyData) -> tuple[list[int], FloatArray]:
        with self._lock:
            if self._curves[0] != revision:
                self._curves = (revision, {})
            tables = self._curves[1]
            if study.name not in tables:
                tables[study.name] = curve_table(study)
            return tables[study.name]


def curve_table(study: StudyData) -> tuple[list[int], FloatArray]:
    """Epochs, and the errors there of (networks, epochs) as browsers have them; NaN for none."""
    index = study.networks["index"].to_numpy(dtype=np.int64)
    packed = pack_curves(study.curves, index)
    if packed is None:
        return [], np.empty((len(index), 0))
    codes = np.frombuffer(base64.b64decode(packed["data"]), dtype="<u2")
    errors = np.where(codes == MISSING, np.nan, codes * (packed["scale"] / (MISSING - 1)))
    return packed["epochs"], errors.reshape(len(index), len(packed["epochs"]))


def edf_value(errors: FloatArray) -> dict[str, Any]:
    """The EDF just above each distinct error, at even steps of them where they are many.

    F(e) = (1/n) sum 1[e_i <= e], bad ends are infinite; `half` is half the width of the
    simultaneous 95 % band (Dvoretzky, Kiefer & Wolfowitz 1956, Massart 1990).
    """
    n = len(errors)
    x, counts = np.unique(errors[np.isfinite(errors)], return_counts=True)
    y = np.cumsum(counts) / n
    at = evenly(len(x), MOST_STEPS)
    return {
        "n": n,
        "x": x[at].tolist(),
        "y": y[at].tolist(),
        "half": float(np.sqrt(np.log(2 / (1 - CONFIDENCE)) / (2 * n))),
    }


def median_curve(errors: FloatArray, bad: NDArray[np.bool_]) -> FloatArray:
    """The least error that half of the networks reach, by epoch.

    Args:
        errors: of (networks, epochs); NaN where there is none.
        bad: which networks ended badly: worse than every error where they have none.
    """
    known = np.sort(np.where(np.isnan(errors) & bad[:, None], np.inf, errors), axis=0)
    counts = (~np.isnan(known)).sum(axis=0)  # NaN is sorted to the end
    place = np.maximum(np.ceil(counts / 2).astype(np.int64) - 1, 0)
    return np.asarray(known[place, np.arange(known.shape[1])])


def evenly(n: int, most: int) -> Sequence[int]:
    """At most `most` of the places 0 to n - 1, the first and the last among them."""
    if n <= most:
        return range(n)
    return [int(k * (n - 1) / (most - 1) + 0.5) for k in range(most)]


def _plain(errors: FloatArray) -> list[float | None]:
    """As JSON has it: null where there is no finite number."""
    return [float(e) if np.isfinite(e) else None for e in errors]
