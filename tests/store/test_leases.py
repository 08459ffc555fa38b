"""Claims end when nothing is heard of their worker, on every backend."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from dse.store.queue import LEASE_SECONDS, MAX_CRASHES
from dse.store.records import ClaimedTrial, Counts
from dse.store.store import Store
from tests.store.conftest import Open
from tests.store.doctored import pass_time, query
from tests.store.records import fill, result

SILENCE = "nothing was heard of its worker any more: slow"


def claimed(store: Store, worker: str, **options: object) -> ClaimedTrial:
    claim = store.claim(worker, **options)  # type: ignore[arg-type]
    assert claim is not None
    return claim


def test_a_claim_holds_for_its_lease_and_not_longer(store: Store) -> None:
    fill(store, 1)
    claimed(store, "slow")
    pass_time(store, LEASE_SECONDS - 5)
    assert store.claim("quick") is None
    pass_time(store, 6)
    assert claimed(store, "quick").index == 0


def test_a_lost_claim_changes_nothing_any_more(store: Store) -> None:
    fill(store, 1)
    lost = claimed(store, "slow")
    pass_time(store, LEASE_SECONDS + 1)
    new = claimed(store, "quick")
    assert not store.heartbeat(lost, step=1, steps=2, loss=3.0)
    assert not store.complete(lost, result(0.75))
    assert not store.release(lost, "stopped")
    assert store.heartbeat(new)
    assert store.complete(new, result(0.25))
    assert not store.complete(lost, result(0.75))
    assert store.population()["error"].tolist() == [0.25]


def test_the_reason_of_a_retry_is_kept_when_the_training_is_complete(store: Store) -> None:
    fill(store, 2)
    claimed(store, "slow")
    pass_time(store, LEASE_SECONDS + 1)
    again = claimed(store, "quick")
    store.claim("quick")
    assert query(store, "SELECT state, reason, last_reason FROM dse_trials ORDER BY id") == [
        {"state": "running", "reason": None, "last_reason": SILENCE},
        {"state": "running", "reason": None, "last_reason": None},
    ]
    store.complete(again, result())
    (row,) = query(store, "SELECT reason, last_reason, attempts, crashes FROM dse_trials LIMIT 1")
    assert row == {"reason": None, "last_reason": SILENCE, "attempts": 2, "crashes": 1}


@pytest.mark.parametrize("most", [1, 3, MAX_CRASHES])
def test_a_training_whose_workers_all_fall_silent_is_given_up(store: Store, most: int) -> None:
    fill(store, 1)
    for _ in range(most):
        claimed(store, "slow", max_crashes=most)
        pass_time(store, LEASE_SECONDS + 1)
    assert store.claim("quick", max_crashes=most) is None
    assert store.counts() == Counts(failed=1)
    assert store.population()["reason"].tolist() == [f"given up after {most} attempts: {SILENCE}"]


def test_a_lease_of_another_clock_does_not_hold_for_ever(store: Store) -> None:
    """The machine was started again, and its clock with it: all leases seem to be far ahead."""
    fill(store, 1)
    claimed(store, "slow")
    pass_time(store, -100 * LEASE_SECONDS)
    assert claimed(store, "quick").index == 0


def test_a_heartbeat_extends_the_lease_and_tells_how_far_the_training_is(store: Store) -> None:
    fill(store, 1)
    claim = claimed(store, "slow")
    pass_time(store, LEASE_SECONDS - 5)
    assert store.heartbeat(claim, step=3, steps=20, loss=1.5)
    pass_time(store, LEASE_SECONDS - 5)
    assert store.claim("quick") is None
    assert query(store, "SELECT network, worker, step, steps, loss FROM dse_running") == [
        {"network": 0, "worker": "slow", "step": 3, "steps": 20, "loss": 1.5}
    ]
    assert store.heartbeat(claim)
    assert query(store, "SELECT step FROM dse_running") == [{"step": 3}]


def test_a_late_worker_keeps_what_nobody_took_meanwhile(store: Store) -> None:
    fill(store, 2)
    first, second = claimed(store, "slow"), claimed(store, "slower")
    pass_time(store, LEASE_SECONDS + 1)
    assert store.heartbeat(first)
    assert store.complete(second, result())
    assert store.claim("quick") is None
    assert store.counts() == Counts(running=1, complete=1)


def test_a_lease_may_be_shorter_or_longer_for_each_worker(store: Store) -> None:
    fill(store, 2)
    short = claimed(store, "short", lease_seconds=10)
    long = claimed(store, "long", lease_seconds=1000)
    pass_time(store, 500)
    assert claimed(store, "quick").index == short.index
    assert store.claim("quick") is None
    assert store.heartbeat(long)


def test_lost_trials_come_back_while_others_wait(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not looked for them at every claim, but soon."""
    fill(store, 20)
    store.claim("slow")
    pass_time(store, LEASE_SECONDS + 1)
    now = time.monotonic()
    order = []
    for second in range(0, 40, 4):
        monkeypatch.setattr("dse.store.claims.time.monotonic", lambda at=now + second: at)
        order.append(claimed(store, "quick").index)
    assert order[0] == 1
    assert 0 in order[:4]


def test_the_clock_of_a_worker_does_not_matter(
    open_store: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(open_store(), 2)
    right, wrong = open_store(), open_store()
    claim = claimed(right, "right")
    with monkeypatch.context() as skewed:
        real = time.time()
        skewed.setattr(time, "time", lambda: real + 1e6)
        other = claimed(wrong, "wrong")
        assert wrong.claim("wrong") is None
        assert wrong.heartbeat(other)
    assert right.claim("right") is None
    assert right.complete(claim, result())
    assert wrong.complete(other, result())


def test_all_processes_measure_a_lease_by_the_same_clock(store: Store) -> None:
    fill(store, 2)
    code = """
import sys
from dse.store.store import Store
with Store.open(sys.argv[1]) as store:
    store.claim("other process")
"""
    place = store.target.url.render_as_string(hide_password=False)
    place = place.replace("postgresql+psycopg", "postgresql")
    subprocess.run([sys.executable, "-c", code, place], check=True)
    assert claimed(store, "quick").index == 1
    assert store.claim("quick") is None, "the lease of the other process holds"
    pass_time(store, LEASE_SECONDS + 1)
    assert claimed(store, "quick").index == 0


def test_a_run_gives_back_what_its_workers_had_and_nothing_else(store: Store) -> None:
    fill(store, 4)
    for worker, run in (("a-1", "a"), ("a-2", "a"), ("b-1", "b"), ("alone", None)):
        claimed(store, worker, run=run)
    assert store.release_run("a", "Ctrl-C") == 2
    assert store.counts() == Counts(waiting=2, running=2)
    assert query(store, "SELECT DISTINCT reason FROM dse_trials WHERE state = 'waiting'") == [
        {"reason": "Ctrl-C"}
    ]


def test_the_holder_of_the_lock_takes_over_from_dead_runs_but_not_from_workers_of_no_run(
    store: Store,
) -> None:
    fill(store, 3)
    for worker, run in (("a-1", "a"), ("b-1", "b"), ("alone", None)):
        claimed(store, worker, run=run)
    released = store.release_dead_runs("the run was interrupted")
    if store.target.path is None:  # where runs do not exclude each other
        assert (released, store.counts()) == (0, Counts(running=3))
    else:
        assert (released, store.counts()) == (2, Counts(waiting=2, running=1))
        assert query(store, "SELECT worker FROM dse_running") == [{"worker": "alone"}]


def test_what_a_worker_says_can_always_be_stored(store: Store) -> None:
    fill(store, 1)
    claim = claimed(store, "worker")
    assert store.heartbeat(claim, step=1, steps=2, loss=float("nan"))
    odd = result(
        None, state="failed", reason="bytes \0 and \ud800", epochs=(), train_loss=float("nan")
    )
    assert store.complete(claim, odd)
    row = store.population().iloc[0]
    assert row["reason"] == "bytes ? and ?"
    assert row["train_loss"] != row["train_loss"]
