"""The networks of a study as packed columns, which a browser filters by itself.

A number column holds every number exactly, in the smallest type that does; a text column holds its
levels once and their places. `assets/table.js` unpacks them.
"""

from __future__ import annotations

import base64
import html
import shlex
from collections.abc import Collection, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dse.analysis.factors.effects import varied_columns
from dse.analysis.population import outcomes
from dse.dashboard.filters import level, numbers
from dse.dashboard.labels import label, word
from dse.dashboard.slots import space_value
from dse.dashboard.view import StudyData, View

MOST_EPOCHS: Final = 40
TOLD: Final = ("flops", "params", "activations", "seconds")
MISSING: Final = 65535
_TYPES: Final = ("u1", "u2", "i4", "f4", "f8")
Packed = dict[str, Any]


def studies_value(view: View, kept: Mapping[str, Collection[int]] | None = None) -> list[Packed]:
    """Every study of `view` for the browser; `kept` names, by study, the networks it gets."""
    return [
        {
            **study_value(study, kept=None if kept is None else kept.get(study.name)),
            "colour": view.colour(study),
            "command": export_command(view, study),
        }
        for study in view.studies
    ]


def study_value(study: StudyData, *, kept: Collection[int] | None = None) -> Packed:
    """One study: its networks by index, their curves, further seeds and measurements.

    Args:
        study: whose first trainings are the networks; `networks` in the value is how many in all.
        kept: the indices of those that are packed; None for all.
    """
    everyone = study.networks
    rows = everyone
    if kept is not None:
        rows = everyone[everyone["index"].isin(list(kept))].reset_index(drop=True)
    choices = [str(name) for name in everyone.columns if str(name).startswith("arch.")]
    fixed = {*choices} - {*varied_columns(everyone)}
    again = study.population[
        (study.population["replicate"] > 0) & study.population["index"].isin(rows["index"])
    ]
    return {
        "name": study.name,
        "kind": study.kind,
        "title": study.title,
        "networks": len(everyone),
        "resolution": study.resolution,
        "columns": {
            "index": _named("index", pack(rows["index"])),
            "state": _named("state", pack(rows["state"])),
            "reason": _named("reason", pack(rows["reason"].fillna("").astype(str))),
            "error": _named("error", pack(pd.Series(outcomes(rows), dtype=np.float64))),
            **{
                name: _named(name, pack(rows[name])) | ({"fixed": True} if name in fixed else {})
                for name in (*TOLD, *choices)
                if name in rows and (name in choices or rows[name].notna().any())
            },
        },
        "again": pack_table(again[["index", "replicate", "state", "error"]]),
        "measurements": pack_table(_of(study.measurements, rows)),
        "space": None if study.space is None else space_value(study.space, choices),
        "curves": pack_curves(study.curves, rows["index"].to_numpy(dtype=np.int64)),
    }


def pack(column: pd.Series) -> Packed:
    """One column: numbers as they are, everything else as text levels (`none` for null)."""
    found = numbers(column)
    if found is not None:
        return _pack_numbers(found)
    codes, levels = pd.factorize(pd.Series([level(value) for value in column], dtype=object))
    return {"levels": list(levels), **_pack_numbers(codes.astype(np.float64))}


def pack_table(frame: pd.DataFrame) -> dict[str, Packed]:
    """Every column of a table that has rows."""
    return {str(name): pack(frame[name]) for name in frame.columns} if len(frame) else {}


def pack_curves(curves: pd.DataFrame, index: NDArray[np.int64]) -> Packed | None:
    """Errors by epoch of the first trainings of the networks `index`, in rising order.

    At most 40 epochs, the last among them. A row of `data` is a network's errors as parts of
    `scale`, 65535 where it has none at an epoch; None without any curve.
    """
    if curves.empty or not index.size:
        return None
    wanted = ((curves["replicate"] == 0) & curves["index"].isin(index)).to_numpy()
    errors = curves["error"].to_numpy(dtype=np.float64, na_value=np.nan)
    wanted = wanted & np.isfinite(errors)
    if not wanted.any():
        return None
    epochs = curves["epoch"].to_numpy()
    shown = _thinned(np.unique(epochs[wanted]))
    wanted = wanted & np.isin(epochs, shown)
    scale = max(float(errors[wanted].max()), 1e-9)
    table = np.full((len(index), len(shown)), MISSING, dtype="<u2")
    row = np.searchsorted(index, curves["index"].to_numpy(dtype=np.int64)[wanted])
    column = np.searchsorted(shown, epochs[wanted])
    table[row, column] = np.round(errors[wanted] / scale * (MISSING - 1))
    return {"epochs": shown.tolist(), "scale": scale, "data": _encoded(table)}


def _thinned(epochs: NDArray[Any]) -> NDArray[Any]:
    """At most 40 of the epochs, evenly, the last one always."""
    if len(epochs) <= MOST_EPOCHS:
        return epochs
    return epochs[np.round(np.linspace(0, len(epochs) - 1, MOST_EPOCHS)).astype(np.int64)]


def _pack_numbers(values: NDArray[np.float64]) -> Packed:
    for kind in _TYPES:
        with np.errstate(invalid="ignore", over="ignore"):
            small = values.astype(f"<{kind}")
        if np.array_equal(small.astype(np.float64), values, equal_nan=True):
            return {"type": kind, "data": _encoded(small)}
    raise AssertionError("a float64 equals itself")


def _encoded(values: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def _named(name: str, packed: Packed) -> Packed:
    """The column with all that a browser needs to show it."""
    shown = label(name)
    told: Packed = {"label": html.unescape(shown.name), "unit": shown.unit, "factor": shown.factor}
    told["decimals"] = shown.decimals
    if "levels" in packed:
        told["words"] = [html.unescape(word(level)) for level in packed["levels"]]
    return told | packed


def _of(frame: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table that are about networks of `rows`."""
    return frame[frame["index"].isin(rows["index"])] if len(frame) else frame


def export_command(view: View, study: StudyData) -> str | None:
    """What exports a network, but for its number; None where none of the study can be.

    A store's only survey needs no name.
    """
    if study.kind == "imported":
        return None
    several = sum(other.store == study.store for other in view.studies) > 1
    named = several or study.kind != "survey"
    chosen = f" --study {shlex.quote(study.name)}" if named else ""
    return f"dse export {shlex.quote(study.store)}{chosen} --id "
