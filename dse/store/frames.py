"""A study's results as tables, the only thing that analysis and reports see."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import pandas as pd
from sqlalchemy import Connection, Select, Text, cast, select

from dse.store.plain import IMPORTED_KEYS, DamagedError, flat_columns, require_network
from dse.store.schema import Candidate, Epoch, Measurement, Study, Trial

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
MEASUREMENTS: Final[dict[str, str]] = {
    "index": "int64",
    "name": "str",
    "value": "float64",
    "low": "float64",
    "high": "float64",
    "n": "int64",
    "unit": "str",
    "device": "str",
    "dtype": "str",
    "batch": "int64",
    "layout": "str",
    "resolution": "int64",
}


COSTS: Final = ("flops", "params", "activations")


@contextmanager
def _keeping_all() -> Iterator[None]:
    """Without Python's search for garbage, of which there is none here: a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@_keeping_all()
def population(connection: Connection, study_id: int, *, references: bool = False) -> pd.DataFrame:
    """One row per trial (network x seed) of the study's networks, or of its `references`.

    `index` is the network's number, `replicate` 0 for its first seed; `state` is complete,
    stopped (at an epoch, as asked), diverged, out_of_memory, failed, running or waiting, `reason`
    why it is not complete. `error` (held-out, a fraction) and `train_loss` are the final epoch's
    and NaN unless complete; `seconds` are wall seconds; `device` and `dtype` say where it was
    trained and with which numbers, `learning_rate` with which peak, `micro_batch` how many
    images were computed at once (both missing where it did not come to that). `flops`
    (multiply-adds), `params` and `activations` are the full network's at the study's
    resolution; of networks that were measured elsewhere they may be missing, and are floats
    then. `architecture` is a dict, and flattened to `arch.depths.1`, `arch.stem`, ... A choice
    that is a number in some networks and one for each stage in others is flattened by stage in
    all of them. Where nothing was measured `test_images` is 0, and `classes`, which belongs to
    the data set, is taken from the study's other trials.
    """
    query = (
        select(
            Study.name,
            Trial.index,
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
            cast(Candidate.architecture, Text),
        )
        .join_from(Trial, Candidate)
        .join(Study)
        .where(Trial.study_id == study_id, Trial.index < 0 if references else Trial.index >= 0)
        .order_by(Trial.index, Trial.replicate)
    )
    rows = connection.execute(query).all()
    columns = dict(zip(POPULATION, _columns(rows, len(POPULATION)), strict=True))
    known = max((classes or 0 for classes in columns["classes"]), default=0)
    columns["classes"] = [classes or known for classes in columns["classes"]]
    columns["test_images"] = [images or 0 for images in columns["test_images"]]
    columns["architecture"] = _parse(columns["architecture"])
    for network in columns["architecture"]:
        require_network(network, reference=references)
    parameters = flat_columns(_choices(columns["architecture"]))
    unknown = {cost: "float64" for cost in COSTS if None in columns[cost]}
    frame = _frame(columns, POPULATION | unknown)
    choices = pd.DataFrame(parameters, index=frame.index)
    return pd.concat([frame, choices.add_prefix("arch.")], axis=1)


def curves(connection: Connection, study_id: int) -> pd.DataFrame:
    """One row per epoch of each training of the study's networks."""
    query = (
        select(
            Trial.index,
            Trial.replicate,
            Epoch.epoch,
            Epoch.step,
            Epoch.train_loss,
            Epoch.error,
            Epoch.grad_norm,
        )
        .join_from(Epoch, Trial)
        .where(Trial.study_id == study_id, Trial.index >= 0)
        .order_by(Trial.index, Trial.replicate, Epoch.epoch)
    )
    return _table(connection, query, CURVES)


def measurements(connection: Connection, study_id: int) -> pd.DataFrame:
    """One row per number measured on the study's networks, and what it holds for.

    `low` and `high` are an interval or a range over `n` repeats and may be missing; all three
    numbers are in `unit`. What does not matter to a number is "" or 0.
    """
    what = [getattr(Measurement, name) for name in MEASUREMENTS if name != "index"]
    query = (
        select(Candidate.index, *what)
        .join_from(Measurement, Candidate)
        .where(Candidate.study_id == study_id, Candidate.index >= 0)
        .order_by(Candidate.index, Measurement.name, Measurement.id)
    )
    return _table(connection, query, MEASUREMENTS)


def _choices(networks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Networks without their names, which only those have that were measured elsewhere."""
    if not networks or IMPORTED_KEYS[0] not in networks[0]:
        return networks
    return [{k: v for k, v in network.items() if k not in IMPORTED_KEYS} for network in networks]


def _parse(texts: list[str]) -> list[Any]:
    """The values of many JSON texts, in one go: half the time of one by one."""
    values: list[Any] = json.loads(f"[{','.join(texts)}]")
    if len(values) != len(texts):
        raise DamagedError("an architecture is not one JSON value")
    return values


@_keeping_all()
def _table(
    connection: Connection, query: Select[*tuple[Any, ...]], kinds: dict[str, str]
) -> pd.DataFrame:
    columns = _columns(connection.execute(query).all(), len(kinds))
    return _frame(dict(zip(kinds, columns, strict=True)), kinds)


def _frame(columns: dict[str, list[Any]], kinds: dict[str, str]) -> pd.DataFrame:
    try:
        return pd.DataFrame({k: pd.Series(columns[k], dtype=kind) for k, kind in kinds.items()})
    except (ValueError, TypeError) as error:  # SQLite keeps text in a column of numbers
        raise DamagedError(str(error)) from error


def _columns(rows: Sequence[Any], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]
