"""The export folder: one YAML file for each network, with what is known of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from dse.analysis.ranking import Ranked
from dse.errors import UserError
from dse.files import write_whole
from dse.units import CONVENTION

_EXPORTED = re.compile(r"(rank-\d+-)?network-\d+\.yaml")
_NOTE = "error is a fraction of held-out images, after the final epoch"
_SELECTED = (
    "; replicate 0 chose the network to be trained again, so that its error is too good by "
    "selection; the rank is by the mean over the replicates"
)


def export_networks(
    population: pd.DataFrame,
    indices: Sequence[int],
    folder: str | Path,
    *,
    ranked: Mapping[int, Ranked],
    study: Mapping[str, Any],
    caution: str | None = None,
) -> list[Path]:
    """Write the networks `indices` into a folder, each once; older exports there are replaced.

    Each file can be read back by `dse cost FILE`. Its name begins with the network's rank in the
    study, if it has one.

    Args:
        population: one row a training, as the store gives it.
        indices: candidate numbers.
        folder: made if need be; files of other names in it are left alone.
        ranked: the place of each network that has one, by candidate number.
        study: what the study was: space, budget, proxy, seed and versions, as plain data.
        caution: a sentence on what the results do not show.

    Raises:
        UserError: an index is not in the population, or the folder cannot be written.
    """
    folder = Path(folder)
    known = set(population["index"])
    for index in indices:
        if index not in known:
            raise UserError(f"network {index} is not in this study; it has 0 to {max(known)}.")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: is a file; name a folder to export to.")
    paths = []
    for index in dict.fromkeys(indices):
        place = ranked.get(index)
        name = f"network-{index:04d}.yaml"
        path = folder / (f"rank-{place.rank:02d}-{name}" if place else name)
        rows = population[population["index"] == index].sort_values("replicate")
        document = describe(rows, place=place, study=study, caution=caution)
        write_whole(path, yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
        paths.append(path)
    for stale in set(folder.iterdir()) - set(paths):
        if _EXPORTED.fullmatch(stale.name):
            stale.unlink()
    return paths


def describe(
    rows: pd.DataFrame, *, place: Ranked | None, study: Mapping[str, Any], caution: str | None
) -> dict[str, Any]:
    """One network as plain data: architecture, cost, and each training's outcome.

    Args:
        rows: the trainings of one network.
        place: its place in the study, if it has one.
        study: see `export_networks`.
        caution: see `export_networks`.
    """
    first = rows.iloc[0]
    trainings = [
        {
            "replicate": int(row["replicate"]),
            "state": str(row["state"]),
            "error": None if pd.isna(row["error"]) else float(row["error"]),
            "test_images": None if pd.isna(row["test_images"]) else int(row["test_images"]),
        }
        for _, row in rows.iterrows()
    ]
    return {
        "name": f"{first['study']}-network-{int(first['index']):04d}",
        "architecture": dict(first["architecture"]),
        "cost": {
            **{key: int(first[key]) for key in ("flops", "params", "activations")},
            "convention": CONVENTION,
        },
        "proxy_result": {
            "rank": place.rank if place else None,
            "trainings": trainings,
            "note": _NOTE + (_SELECTED if place and place.finalist else ""),
            **({"caution": caution} if caution else {}),
        },
        "study": dict(study),
    }
