"""A study's results as tables, the only thing that analysis and reports see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd
from sqlalchemy import Connection, select

from dse.store.records import (
    NETWORK_KEYS,
    REFERENCE_KEYS,
    DamagedError,
    flatten,
    require_keys,
    spell_out_stages,
)
from dse.store.schema import Candidate, Epoch, Study, Trial

POPULATION: Final[dict[str, str]] = {
    "study": "str",
    "index": "int64",
    "replicate": "int64",
    "state": "str",
    "reason": "object",
    "error": "float64",
    "train_loss": "float64",
    "seconds": "float64",
    "test_images": "int64",
    "classes": "int64",
    "device": "object",
    "dtype": "object",
    "learning_rate": "float64",
    "micro_batch": "Int64",
    "flops": "int64",
    "params": "int64",
    "activations": "int64",
    "architecture": "object",
}
CURVES: Final[dict[str, str]] = {
    "index": "int64",
    "replicate": "int64",
    "epoch": "int64",
    "step": "int64",
    "train_loss": "float64",
    "error": "float64",
    "grad_norm": "float64",
}


def population(connection: Connection, *, references: bool = False) -> pd.DataFrame:
    """One row per trial (network x seed) of the study's networks, or of its `references`.

    `index` is the network's number, `replicate` 0 for its first seed; `state` is complete,
    diverged, out_of_memory, failed, running or waiting, `reason` why it is not complete. `error`
    (held-out, a fraction) and `train_loss` are the final epoch's and NaN unless complete;
    `seconds` are wall seconds; `device` and `dtype` say where it was trained and with which
    numbers, `learning_rate` with which peak, `micro_batch` how many images were computed at once
    (both missing where it did not come to that). `flops` (multiply-adds), `params` and
    `activations` are the full network's at the study's resolution. `architecture` is a dict, and
    flattened to `arch.depths.1`, `arch.stem`, ... A choice that is a number in some networks and
    one for each stage in others is flattened by stage in all of them. Where nothing was measured
    `test_images` is 0, and `classes`, which belongs to the data set, is taken from the study's
    other trials.
    """
    query = (
        select(
            Study.name,
            Candidate.index,
            Trial.replicate,
            Trial.state,
            Trial.reason,
            Trial.error,
            Trial.train_loss,
            Trial.seconds,
            Trial.test_images,
            Trial.classes,
            Trial.device,
            Trial.dtype,
            Trial.learning_rate,
            Trial.micro_batch,
            Candidate.flops,
            Candidate.params,
            Candidate.activations,
            Candidate.architecture,
        )
        .join_from(Trial, Candidate)
        .join(Study)
        .where(Candidate.index < 0 if references else Candidate.index >= 0)
        .order_by(Candidate.index, Trial.replicate)
    )
    rows = connection.execute(query).all()
    columns = dict(zip(POPULATION, _columns(rows, len(POPULATION)), strict=True))
    known = max((classes or 0 for classes in columns["classes"]), default=0)
    columns["classes"] = [classes or known for classes in columns["classes"]]
    columns["test_images"] = [images or 0 for images in columns["test_images"]]
    for network in columns["architecture"]:
        require_keys(network, REFERENCE_KEYS if references else NETWORK_KEYS, "architecture")
    frame = _frame(columns, POPULATION)
    networks = spell_out_stages(columns["architecture"])
    parameters = pd.DataFrame([flatten(network) for network in networks])
    return pd.concat([frame, parameters.add_prefix("arch.")], axis=1)


def curves(connection: Connection) -> pd.DataFrame:
    """One row per epoch of each finished training of the study's networks."""
    query = (
        select(
            Candidate.index,
            Trial.replicate,
            Epoch.epoch,
            Epoch.step,
            Epoch.train_loss,
            Epoch.error,
            Epoch.grad_norm,
        )
        .join_from(Epoch, Trial)
        .join(Candidate)
        .where(Candidate.index >= 0)
        .order_by(Candidate.index, Trial.replicate, Epoch.epoch)
    )
    columns = _columns(connection.execute(query).all(), len(CURVES))
    return _frame(dict(zip(CURVES, columns, strict=True)), CURVES)


def _frame(columns: dict[str, list[Any]], kinds: dict[str, str]) -> pd.DataFrame:
    try:
        return pd.DataFrame({k: pd.Series(columns[k], dtype=kind) for k, kind in kinds.items()})
    except (ValueError, TypeError) as error:  # SQLite keeps text in a column of numbers
        raise DamagedError(str(error)) from error


def _columns(rows: Sequence[Any], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]
