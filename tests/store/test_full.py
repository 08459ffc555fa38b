"""Full trainings beside the study that their networks are from, over both databases."""

from __future__ import annotations

from typing import Any

import pytest

from dse.errors import UserError
from dse.store.records import Counts, EpochResult, StudyRecord
from dse.store.store import Store
from tests.store.conftest import Open
from tests.store.records import candidate, fill, result, study


def full_study(**changes: Any) -> StudyRecord:
    values: dict[str, Any] = {
        "name": "toy-full",
        "kind": "training",
        "proxy": {"dataset": {"name": "toy"}, "recipe": {"schedule": {"epochs": 300}}},
        "design": {"of": "toy"},
    }
    return study(**values | changes)


def test_it_stands_beside_the_survey_under_the_networks_own_number(open_store: Open) -> None:
    store = open_store()
    fill(store, 3)
    found = store.record_training(full_study(), candidate(2), 7, result(0.125))
    assert (found.study, found.index, found.replicate) == ("toy-full", 2, 0)
    assert (found.state, found.error, found.was_there) == ("complete", 0.125, False)
    full = open_store(study="toy-full")
    assert full.existing_study() == full_study()
    table = full.population()
    assert table[["index", "replicate", "error", "test_images"]].values.tolist() == [
        [2, 0, 0.125, 2000]
    ]
    assert full.curves()["error"].tolist() == [0.9, 0.125]
    (landing,) = full.snapshot().landings
    assert landing.finished is not None


def test_no_statistic_or_count_of_the_survey_has_it(open_store: Open) -> None:
    store = open_store()
    fill(store, 3)
    before, counts = store.population(), store.counts()
    store.record_training(full_study(), candidate(2), 7, result(0.125))
    assert open_store().existing_study().kind == "survey"
    assert open_store().population().equals(before)
    assert open_store().counts() == counts
    assert open_store().best() is None


def test_recorded_again_it_stays_as_it_is(open_store: Open) -> None:
    store = open_store()
    fill(store, 1)
    store.record_training(full_study(), candidate(0), 7, result(0.25))
    again = store.record_training(full_study(), candidate(0), 7, result(0.5))
    assert (again.replicate, again.error, again.was_there) == (0, 0.25, True)
    full = open_store(study="toy-full")
    assert full.counts() == Counts(complete=1)
    assert len(full.curves()) == 2


def test_another_seed_is_another_replicate(open_store: Open) -> None:
    store = open_store()
    fill(store, 1)
    for replicate, seed in enumerate((7, 8, 0)):
        found = store.record_training(full_study(), candidate(0), seed, result(0.25))
        assert found.replicate == replicate
    assert open_store(study="toy-full").counts() == Counts(complete=3)


def test_a_diverged_one_is_kept_with_what_it_had(open_store: Open) -> None:
    store = open_store()
    fill(store, 1)
    epoch = EpochResult(epoch=1, step=5, train_loss=float("nan"), error=float("nan"))
    ended = result(None, state="diverged", reason="the loss became NaN", epochs=(epoch,))
    found = store.record_training(full_study(), candidate(0), 7, ended)
    assert (found.state, found.error) == ("diverged", None)
    full = open_store(study="toy-full")
    assert full.population()["reason"].tolist() == ["the loss became NaN"]
    assert full.curves()["error"].isna().tolist() == [True]


def test_a_name_that_is_taken_is_refused_and_nothing_is_kept(open_store: Open) -> None:
    store = open_store()
    fill(store, 1)
    with pytest.raises(UserError, match="the name 'toy' is taken there by another study"):
        store.record_training(full_study(name="toy"), candidate(0), 7, result())
    store.record_training(full_study(), candidate(0), 7, result())
    other = full_study(design={"of": "another"})
    with pytest.raises(UserError, match="the name 'toy-full' is taken"):
        store.record_training(other, candidate(0), 7, result())
    with pytest.raises(UserError, match="network 0 there is not the one"):
        store.record_training(full_study(), candidate(0, hash="other"), 8, result())
    assert len(store.studies()) == 2
    assert open_store(study="toy-full").counts() == Counts(complete=1)


def test_nothing_is_trained_or_asked_for_in_it(open_store: Open) -> None:
    store = open_store()
    fill(store, 1)
    store.record_training(full_study(), candidate(0), 7, result())
    full: Store = open_store(study="toy-full")
    assert full.claim("worker") is None
    with pytest.raises(UserError, match="'toy-full' records full trainings of networks of 'toy'"):
        full.trainable_study()
    with pytest.raises(UserError, match="it is a record of full trainings, asked is a survey"):
        full.create_study(study())


def test_where_there_are_only_such_one_must_be_named(open_store: Open) -> None:
    open_store().record_training(full_study(), candidate(0), 7, result())
    with pytest.raises(UserError, match=r"holds no survey: name a study .* 'toy-full' \(training"):
        open_store().existing_study()
