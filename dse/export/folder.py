"""The export: a folder for each network, with all that a full training needs."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from dse.analysis.ranking import Ranked
from dse.errors import UserError
from dse.export.contents import Known, describe, write_network
from dse.export.form import Form
from dse.export.place import holds_other_files, install, remove_export, require_same_training
from dse.training.recipe import Origin

_EXPORTED = re.compile(r"(rank-\d+-)?network-\d+(\.yaml)?")


@dataclass(frozen=True, kw_only=True)
class Source:
    """The study that networks are exported from.

    Attributes:
        population: one row a training, as the store gives it.
        ranked: the place of each network that has one, by candidate number.
        study: what the study was: space, budget, proxy, seed and versions, as plain data.
        caution: a sentence on what the results do not show.
        store: what opens the study's store from anywhere; None if nothing is to be reported to it.
    """

    population: pd.DataFrame
    ranked: Mapping[int, Ranked]
    study: Mapping[str, Any]
    caution: str | None = None
    store: str | None = None


def export_networks(
    source: Source, indices: Sequence[int], folder: str | Path, form: Form
) -> list[dict[str, Any]]:
    """Write the networks `indices`, a folder each, into `folder`; older exports are replaced.

    A folder's name begins with the network's rank in the study, if it has one. Each is written
    beside its place and moved into it. A folder in which something else lies, such as a training,
    is never removed; where its network is exported again, its `train.yaml` and all that is not
    from an export stay.

    Args:
        source: the study.
        indices: candidate numbers; each is written once.
        folder: made if need be; what has other names in it is left alone.
        form: how they are exported.

    Returns:
        For each network plain values for tables and JSON: its rank, number, folder, cost, and what
        forms there are.

    Raises:
        UserError: an index is not in the population, the weights are not of the one network, the
            folder holds a training of another network, or cannot be written.
    """
    folder, population = Path(folder), source.population
    there = set(population["index"])
    for index in indices:
        if index not in there:
            raise UserError(f"network {index} is not in this study; it has 0 to {max(there)}.")
    wanted = {_name(index, source.ranked.get(index)): index for index in indices}
    if form.weights is not None and len(wanted) != 1:
        raise UserError("--weights: are of one network; name it with --id.")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: is a file; name a folder to export to.")
    known_of = {name: _known(source, index) for name, index in wanted.items()}
    for name, known in known_of.items():
        require_same_training(folder / name, known.document["architecture"])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        rows = [_export(known, folder / name, form) for name, known in known_of.items()]
        _remove_stale(folder, set(wanted))
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error.strerror or error}.") from None
    return rows


def _name(index: int, place: Ranked | None) -> str:
    name = f"network-{index:04d}"
    return f"rank-{place.rank:02d}-{name}" if place else name


def _known(source: Source, index: int) -> Known:
    population, place = source.population, source.ranked.get(index)
    rows = population[population["index"] == index].sort_values("replicate")
    study = str(rows["study"].iloc[0])
    store = source.store
    return Known(
        index=index,
        document=describe(rows, place=place, study=source.study, caution=source.caution),
        place=place,
        ranked=len(source.ranked),
        origin=Origin(store=store, study=study, index=index) if store is not None else None,
    )


def _export(known: Known, place: Path, form: Form) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".export-") as beside:
        new = Path(beside) / place.name
        new.mkdir()
        forms = write_network(known, new, form)
        install(new, place)
    return {
        "rank": known.place.rank if known.place else None,
        "network": known.index,
        "folder": str(place),
        **forms,
    }


def _remove_stale(folder: Path, kept: set[str]) -> None:
    """Older exports of networks that are not exported now, but for folders with other files."""
    for stale in folder.iterdir():
        if stale.name in kept or not _EXPORTED.fullmatch(stale.name):
            continue
        if stale.is_file():  # what earlier versions wrote
            stale.unlink()
        elif stale.is_dir() and not holds_other_files(stale):
            remove_export(stale)
