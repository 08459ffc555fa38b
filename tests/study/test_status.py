from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dse.store.records import Counts
from dse.store.store import Store
from dse.store.watching import Flight, Landing, Snapshot
from dse.study.status import make_status
from tests.store.records import fill, result

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def landing(minutes_ago: float, **changes: Any) -> Landing:
    values = {
        "index": 0,
        "replicate": 0,
        "state": "complete",
        "reason": None,
        "error": 0.5,
        "seconds": 60.0,
        "finished": NOW - timedelta(minutes=minutes_ago),
    }
    return Landing(**values | changes)


def status(counts: Counts, *landings: Landing, flights: tuple[Flight, ...] = ()) -> Any:
    return make_status(
        "toy", "survey", Snapshot(now=NOW, counts=counts, landings=landings, flights=flights)
    )


def test_the_throughput_is_that_of_the_last_hour() -> None:
    found = status(Counts(complete=4, waiting=6), *map(landing, (200, 50, 30, 0)))
    assert found.recent == 3
    assert found.window == 51 * 60  # since the first of them began
    assert found.throughput == pytest.approx(3 / (51 / 60))
    assert found.eta_seconds == pytest.approx(6 * 51 * 60 / 3)


def test_nothing_is_said_of_the_time_left_without_any_training() -> None:
    found = status(Counts(waiting=6))
    assert found.throughput is None
    assert found.eta_seconds is None


def test_parts_of_trainings_under_way_count() -> None:
    half = Flight(worker="one", index=1, replicate=0, seconds=5, step=5, steps=10)
    found = status(Counts(complete=1, running=1), landing(0), flights=(half,))
    assert found.eta_seconds == pytest.approx(30)
    assert status(Counts(complete=1), landing(0)).eta_seconds == 0


def test_failures_are_counted_by_reason_and_lost_workers_are_named() -> None:
    bad = {"state": "diverged", "error": None, "reason": "nan"}
    lost = Flight(worker="two", index=1, replicate=0, seconds=5, overdue=True)
    found = status(
        Counts(diverged=2, failed=1, running=1),
        landing(1, **bad),
        landing(2, **bad | {"state": "failed", "reason": "killed"}),
        landing(3, **bad),
        flights=(lost,),
    )
    assert found.failures == (("diverged", "nan", 2), ("failed", "killed", 1))
    assert found.to_dict()["stale_workers"] == ["two"]
    assert found.to_dict()["workers"] == []
    (flight,) = found.to_dict()["flights"]
    assert (flight["worker"], flight["network"], flight["overdue"]) == ("two", 1, True)


def test_the_verb_shows_every_study_of_a_store(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    with Store.open(path, create=True) as store:
        fill(store, 3)
        claim = store.claim("one")
        assert claim is not None
        store.complete(claim, result(None, state="diverged", reason="the loss became nan"))
        store.claim("two")
    command = [sys.executable, "-m", "dse", "status", str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.startswith(
        "toy (survey): 0 of 3 trainings done, 1 running, 1 waiting, 1 diverged\n"
    )
    assert "1 diverged: the loss became nan" in said
    assert "two  network 1, seed 1" in said
    rows = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True).stdout
    found = json.loads(rows)
    wanted = {"done": 0, "running": 1, "waiting": 1, "diverged": 1, "failed": 0}
    assert {key: found[key] for key in wanted} == wanted
    unknown = subprocess.run(
        [*command, "--study", "x"], capture_output=True, text=True, check=False
    )
    assert unknown.returncode == 2
    assert "holds no study 'x'; it holds: 'toy'" in unknown.stderr
