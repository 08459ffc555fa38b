"""Work for stand-ins, as a test sees it."""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dse.study.launch.base import Launcher, WorkerOrder
from dse.study.launch.departures import Departure
from tests.study.launch import stand_in


@dataclass(frozen=True)
class Worker:
    name: str
    pid: int
    options: dict[str, str | None]
    given_back: bool


class Work:
    """Items that stand-ins do, each in `seconds`; new ones, or those that the folder has."""

    def __init__(self, folder: Path, items: int = 0, *, seconds: float = 0.1) -> None:
        self.folder = folder
        self._path = folder / "work.db"
        self._seconds = seconds
        if items:
            with sqlite3.connect(self._path) as store:
                store.executescript(stand_in.TABLES)
            self._ask("INSERT INTO work (lease) VALUES (NULL)" + ", (NULL)" * (items - 1))

    def order(self, count: int, *words: str, **options: Any) -> WorkerOrder:
        script = [sys.executable, stand_in.__file__, "--store", str(self._path)]
        script += ["--seconds", str(self._seconds), *words]
        return WorkerOrder(command=tuple(script), count=count, logs=self.folder / "logs", **options)

    @property
    def states(self) -> Counter[str]:
        return Counter(state for (state,) in self._ask("SELECT state FROM work"))

    @property
    def left(self) -> int:
        return self.states.total() - self.states["done"]

    @property
    def results(self) -> list[int]:
        """How many results each item has."""
        return [count for (count,) in self._ask("SELECT results FROM work ORDER BY item")]

    @property
    def workers(self) -> list[Worker]:
        """Who has begun so far, in this order."""
        rows = self._ask("SELECT name, pid, options, given_back FROM workers ORDER BY rowid")
        return [Worker(name, pid, json.loads(facts), bool(back)) for name, pid, facts, back in rows]

    @property
    def busy(self) -> list[Worker]:
        """Who has an item."""
        owners = {owner for (owner,) in self._ask("SELECT owner FROM work WHERE state = 'running'")}
        return [worker for worker in self.workers if f"{worker.name} {worker.pid}" in owners]

    def finish(self, launcher: Launcher[Any], seconds: float = 30) -> list[Departure]:
        """Keep the workers until all is done, as a run does; who has departed."""
        departures: list[Departure] = []
        limit = time.monotonic() + seconds
        while self.left:
            assert time.monotonic() < limit, (self.states, departures)
            for departure in launcher.keep(self.left):
                departures.append(departure)
                # an item of theirs need not wait for the end of its lease
                self._ask("UPDATE work SET lease = 0 WHERE owner LIKE ?", f"{departure.name} %")
            time.sleep(0.1)
        return departures

    def _ask(self, query: str, *values: str) -> list[Any]:
        store = sqlite3.connect(self._path, timeout=30)
        try:
            with store:
                return store.execute(query, values).fetchall()
        finally:
            store.close()
