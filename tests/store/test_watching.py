"""One look at a study, the same on every backend."""

from __future__ import annotations

import pytest

from dse.store.records import Counts, MeasurementRecord
from dse.store.store import Store
from tests.store.records import fill, result, trial


def test_a_snapshot_shows_what_waits_runs_and_has_ended(store: Store) -> None:
    fill(store, 4)
    first, second = store.claim("one"), store.claim("two")
    assert first is not None
    assert second is not None
    assert store.complete(first, result(0.25))
    assert store.heartbeat(second, step=5, steps=20, loss=1.5)
    found = store.snapshot()
    assert found.counts == Counts(waiting=2, running=1, complete=1)
    assert found.best == (0, 0.25)
    (flight,) = found.flights
    assert (flight.worker, flight.index, flight.replicate) == ("two", 1, 0)
    assert (flight.step, flight.steps, flight.loss, flight.fraction) == (5, 20, 1.5, 0.25)
    assert not flight.overdue
    assert 0 <= flight.seconds < 60
    (landing,) = found.landings
    assert (landing.index, landing.replicate, landing.state) == (0, 0, "complete")
    assert (landing.error, landing.seconds) == (0.25, 12.5)
    assert landing.finished <= found.now


def test_a_later_snapshot_tells_only_what_ended_since(store: Store) -> None:
    fill(store, 3)
    for error in (0.25, 0.5):
        claim = store.claim("one")
        assert claim is not None
        store.complete(claim, result(error))
    last = store.snapshot().landings[-1]
    claim = store.claim("one")
    assert claim is not None
    store.complete(claim, result(None, state="diverged", reason="nan", epochs=()))
    found = store.snapshot(last.finished).landings
    assert [landing.index for landing in found] == [1, 2]
    assert (found[1].state, found[1].reason, found[1].error) == ("diverged", "nan", None)


def test_a_worker_that_is_not_heard_of_is_overdue(store: Store) -> None:
    fill(store, 1)
    assert store.claim("one", lease_seconds=0.0) is not None
    assert store.snapshot().flights[0].overdue


def test_a_training_that_waits_again_has_not_ended(store: Store) -> None:
    fill(store, 1)
    assert store.claim("one") is not None
    store.crashed("one", "killed", max_crashes=2)
    assert store.snapshot().landings == ()
    assert store.claim("two") is not None
    store.crashed("two", "killed", max_crashes=2)
    (landing,) = store.snapshot().landings
    assert landing.state == "failed"


@pytest.mark.parametrize("studies", [None, "all", ["toy"]])
def test_work_is_under_way_until_all_is_finished(store: Store, studies: object) -> None:
    fill(store, 1)
    assert store.under_way(studies)  # type: ignore[arg-type]
    claim = store.claim("one")
    assert claim is not None
    assert store.under_way(studies)  # type: ignore[arg-type]
    store.complete(claim, result())
    assert not store.under_way(studies)  # type: ignore[arg-type]


def test_a_revision_changes_with_what_is_asked_ends_and_is_measured(store: Store) -> None:
    fill(store, 2)
    seen = [store.revisions()["toy"]]

    def changed() -> bool:
        seen.append(store.revisions()["toy"])
        return seen[-1] != seen[-2]

    claim = store.claim("one")
    assert claim is not None
    assert store.heartbeat(claim, step=5, steps=20, loss=1.5)
    assert not changed(), "a training that runs changes no table"
    assert store.complete(claim, result(0.25))
    assert changed()
    claim = store.claim("one")
    assert claim is not None
    store.complete(claim, result(None, state="diverged", reason="nan", epochs=()))
    assert changed()
    store.add_trials([trial(0, 1)])
    assert changed()
    for value in (1.0, 2.0):
        store.add_measurements([MeasurementRecord(index=0, name="latency", value=value, unit="s")])
        assert changed(), "also where a number takes the place of another"
    assert not changed()


def test_each_study_has_a_revision_of_its_own(store: Store) -> None:
    fill(store, 1)
    before = store.revisions()
    with Store.open(store.target, study="other") as second:
        fill(second, 1, name="other")
    after = store.revisions()
    assert set(after) == {"toy", "other"}
    assert after["toy"] == before["toy"]
