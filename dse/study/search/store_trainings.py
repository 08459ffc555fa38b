"""The trainings of a search in a store, done by whoever works on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from dse.architecture.cost import Cost
from dse.architecture.spec import Architecture
from dse.errors import UserError
from dse.store.records import CandidateRecord
from dse.store.store import Store
from dse.study.search.plan import Search
from dse.study.search.records import Asked, Told

_NOTED = ("params", "marks", "measured", "refused")


class StoreTrainings:
    """Keeps networks as candidates, whose `origin` is what the search must find again.

    Args:
        store: opened for the search.
        search: seeds of trainings come from it.
        drain: returns when none of the study's trainings waits or runs any more.
    """

    def __init__(self, store: Store, search: Search, drain: Callable[[], None]) -> None:
        self._store, self._search, self._drain = store, search, drain

    def asked(self) -> list[Asked]:
        """All networks, by number.

        Raises:
            UserError: one of them comes from no search.
        """
        return [to_asked(record) for record in self._store.candidates()]

    def add(self, asked: Sequence[Asked]) -> None:
        """Keep further networks, in one transaction."""
        self._store.add_candidates([to_candidate(each) for each in asked])

    def train(
        self, numbers: Sequence[int], *, replicate: int = 0, until_epoch: int | None = None
    ) -> list[Told]:
        """Train networks and wait for the end of all."""
        self._store.add_trials(
            self._search.trial(number, replicate, until_epoch) for number in numbers
        )
        for number in numbers:
            self._store.train_further(number, replicate, until_epoch=until_epoch)
        self._drain()
        told = read_told(self._store, replicate)
        return [told[number] for number in numbers]


def to_candidate(asked: Asked) -> CandidateRecord:
    """A network as a store keeps it."""
    return CandidateRecord(
        index=asked.number,
        architecture=asked.architecture.to_dict(),
        hash=asked.architecture.hash,
        flops=asked.cost.flops,
        params=asked.cost.params,
        activations=asked.cost.activations,
        origin={
            "params": dict(asked.params),
            "marks": dict(asked.marks),
            "measured": dict(asked.measured),
            "refused": [dict(params) for params in asked.refused],
        },
    )


def to_asked(record: CandidateRecord) -> Asked:
    """The inverse of `to_candidate`.

    Raises:
        UserError: the record lacks what a search notes.
    """
    origin = record.origin or {}
    if any(name not in origin for name in _NOTED):
        raise UserError(f"network {record.index} of the study was not asked for by a search.")
    return Asked(
        number=record.index,
        architecture=Architecture.from_dict(record.architecture),
        cost=Cost(flops=record.flops, params=record.params, activations=record.activations),
        params=origin["params"],
        marks=origin["marks"],
        measured=origin["measured"],
        refused=tuple(origin["refused"]),
    )


def read_told(store: Store, replicate: int) -> dict[int, Told]:
    """What the trainings of one seed have come to, by network, those that have ended."""
    population, curves = store.population(), store.curves()
    errors: dict[int, dict[int, float]] = {}
    for row in _of(curves, replicate):
        errors.setdefault(int(row["index"]), {})[int(row["epoch"])] = float(row["error"])
    return {
        int(row["index"]): Told(
            number=int(row["index"]),
            state=row["state"],
            curve=errors.get(int(row["index"]), {}),
            reason=row["reason"],
            test_images=int(row["test_images"]),
        )
        for row in _of(population, replicate)
        if row["state"] not in ("waiting", "running")
    }


def _of(frame: pd.DataFrame, replicate: int) -> list[dict[Any, Any]]:
    return frame[frame["replicate"] == replicate].to_dict("records")
