"""Trainings that stop at an epoch, as a search by halves wants it, and go on later."""

from __future__ import annotations

import pytest

from dse.store.records import ClaimedTrial, Counts, EpochResult, TrialRecord, TrialResult
from dse.store.store import Store
from tests.store.records import candidate, fill, result, study


def curve(first: int, last: int) -> tuple[EpochResult, ...]:
    return tuple(
        EpochResult(epoch=n, step=10 * n, train_loss=2 / n, error=1 / n)
        for n in range(first, last + 1)
    )


def stopped(store: Store, until: int = 2) -> ClaimedTrial:
    store.create_study(study())
    store.add_candidates([candidate(0)])
    store.add_trials([TrialRecord(index=0, replicate=0, seed=0, until_epoch=until)])
    claim = store.claim("worker")
    assert claim is not None
    assert (claim.until_epoch, claim.continued) == (until, False)
    assert store.complete(claim, TrialResult(state="stopped", epochs=curve(1, until)))
    return claim


def test_a_training_stops_at_its_epoch_with_a_curve_and_no_error(store: Store) -> None:
    stopped(store)
    assert store.counts() == Counts(stopped=1)
    assert store.counts().finished == 1
    assert store.claim("worker") is None
    row = store.population().iloc[0]
    assert row["state"] == "stopped"
    assert row["error"] != row["error"]
    assert store.best() is None
    assert store.curves()["error"].tolist() == [1.0, 0.5]


@pytest.mark.parametrize("resumed", [True, False])
def test_it_goes_on_with_or_without_its_checkpoint(store: Store, resumed: bool) -> None:
    stopped(store)
    assert store.train_further(0, 0, until_epoch=4)
    assert store.curves()["epoch"].tolist() == [1, 2], "they are kept meanwhile"
    claim = store.claim("worker")
    assert claim is not None
    assert (claim.until_epoch, claim.continued) == (4, True)
    epochs = curve(3 if resumed else 1, 4)
    assert store.complete(claim, TrialResult(state="stopped", epochs=epochs))
    assert store.train_further(0, 0, until_epoch=None)
    last = store.claim("worker")
    assert last is not None
    assert (last.until_epoch, last.continued) == (None, True)
    assert store.complete(last, result(0.1, epochs=curve(1, 8)))
    assert store.curves()["epoch"].tolist() == list(range(1, 9))
    assert store.best() == (0, 0.1)


def test_asking_twice_is_asking_once(store: Store) -> None:
    stopped(store)
    for _ in range(2):
        assert store.train_further(0, 0, until_epoch=4)
    store.claim("worker")
    assert store.train_further(0, 0, until_epoch=4)
    assert store.counts() == Counts(running=1)


@pytest.mark.parametrize("until", [1, 2])
def test_nothing_goes_back_to_an_earlier_epoch(store: Store, until: int) -> None:
    stopped(store)
    assert not store.train_further(0, 0, until_epoch=until)
    assert store.counts() == Counts(stopped=1)


def test_what_is_not_stopped_does_not_go_on(store: Store) -> None:
    fill(store, 1)
    claim = store.claim("worker")
    assert claim is not None
    store.complete(claim, result())
    assert not store.train_further(0, 0, until_epoch=4)
    assert store.counts() == Counts(complete=1)


def test_a_crash_on_the_way_on_costs_no_epoch(store: Store) -> None:
    stopped(store)
    store.train_further(0, 0, until_epoch=4)
    store.claim("doomed")
    assert store.crashed("doomed", "killed", max_crashes=1) == 0
    assert store.counts() == Counts(failed=1)
    assert store.curves()["epoch"].tolist() == [1, 2]


def test_only_a_training_with_an_epoch_to_stop_at_can_be_stopped(store: Store) -> None:
    fill(store, 1)
    claim = store.claim("worker")
    assert claim is not None
    with pytest.raises(AssertionError):
        store.complete(claim, TrialResult(state="stopped"))


def test_checkpoints_are_cleared_but_those_of_stopped_trainings(store: Store) -> None:
    claim = stopped(store)
    if store.target.path is None:
        assert claim.checkpoint is None
        store.clear_checkpoints()
        return
    assert claim.checkpoint is not None
    folder = claim.checkpoint.parent
    folder.mkdir()
    kept = [claim.checkpoint, folder / "2-0-0.pt"]  # the other one is another study's
    for file in (*kept, folder / "1-5-0.pt", folder / ".1-0-0.pt.half"):
        file.touch()
    store.clear_checkpoints()
    assert sorted(folder.iterdir()) == sorted(kept)
    store.train_further(0, 0, until_epoch=None)
    kept[1].unlink()
    store.clear_checkpoints()
    assert not folder.exists()
