from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from dse.errors import UserError
from dse.store.store import Store
from dse.study.search.asking import ask
from dse.study.search.history import History
from dse.study.search.loop import finalists, retrain, run
from dse.study.search.plan import Search
from dse.study.search.records import Asked, Trainings
from dse.study.search.store_trainings import StoreTrainings, to_asked, to_candidate
from tests.store.records import candidate
from tests.study.search.conftest import DATABASES, MakePlace
from tests.study.search.fake import EPOCHS, FakeTrainings, NoBoard, curve, drain, make_search

Open = Callable[[Search], Trainings]
"""Opens the trainings of a search, each time as a new process would."""


@pytest.fixture(params=["fake", *DATABASES])
def opened(request: pytest.FixtureRequest, make_place: MakePlace) -> Iterator[Open]:
    """Every implementation, with network 3 of a search diverging."""
    if request.param == "fake":
        fake = FakeTrainings(bad={3: "diverged"})
        yield lambda search: fake
        return
    place = make_place(request.param)
    stores: list[Store] = []

    def open_store(search: Search) -> Trainings:
        store = Store.open(place, study=search.name, create=True)
        stores.append(store)
        store.create_study(search.record())
        return StoreTrainings(store, search, partial(drain, store, {3: "diverged"}))

    yield open_store
    for store in stores:
        store.close()


def asked_of(search: Search) -> list[Asked]:
    return ask(History(search=search), 0)


def test_networks_come_back_as_they_were_asked_for(opened: Open) -> None:
    search = make_search("other priors")
    asked = asked_of(search)
    assert any(each.refused for each in asked)
    asked[1] = dataclasses.replace(asked[1], measured={"latency": 0.1}, marks={"m": 3})
    trainings = opened(search)
    assert list(trainings.asked()) == []
    trainings.add(asked[:3])
    trainings.add(asked[3:])
    assert list(opened(search).asked()) == asked


def test_trainings_stop_where_they_are_asked_to_and_go_on_from_there(opened: Open) -> None:
    search = make_search()
    asked = asked_of(search)
    trainings = opened(search)
    trainings.add(asked)
    errors = [curve(each.architecture) for each in asked]
    (first,) = trainings.train([5], until_epoch=1)
    assert (first.number, first.state, first.curve) == (5, "stopped", {1: errors[5][1]})
    told = opened(search).train([0, 5, 3], until_epoch=3)
    assert [each.number for each in told] == [0, 5, 3]
    assert [each.state for each in told] == ["stopped", "stopped", "diverged"]
    assert told[1].curve == {epoch: errors[5][epoch] for epoch in (1, 2, 3)}
    (whole,) = opened(search).train([5])
    assert (whole.state, whole.error, whole.test_images) == ("complete", errors[5][EPOCHS], 1000)
    assert list(opened(search).train([5], until_epoch=1)) == [whole]
    assert next(iter(opened(search).train([0], until_epoch=3))).state == "stopped"


def test_a_fresh_seed_is_another_training(opened: Open) -> None:
    search = make_search()
    trainings = opened(search)
    trainings.add(asked_of(search))
    (first,) = trainings.train([0], until_epoch=1)
    (fresh,) = trainings.train([0], replicate=1)
    assert (first.state, fresh.state) == ("stopped", "complete")


@pytest.mark.parametrize("pruner", ["none", "halving"])
def test_a_search_finds_the_same_wherever_its_trainings_are(opened: Open, pruner: str) -> None:
    search = make_search(networks=16, pruner=pruner)
    expected = run(search, FakeTrainings(bad={3: "diverged"}), NoBoard())
    for _ in range(2):
        found = run(search, opened(search), NoBoard())
        assert [each.asked for each in found] == [each.asked for each in expected]
        for one, other in zip(found, expected, strict=True):
            assert (one.told.state, one.told.curve) == (other.told.state, other.told.curve)
        fresh = retrain(search, found, opened(search))
        assert [told.number for told in fresh] == finalists(search, expected)


def test_a_network_that_no_search_asked_for_is_refused() -> None:
    with pytest.raises(UserError, match="network 4 of the study was not asked for by a search"):
        to_asked(candidate(4))
    asked = asked_of(make_search())[0]
    assert to_asked(to_candidate(asked)) == asked


def test_a_search_with_other_settings_is_refused_with_what_differs(tmp_path: Path) -> None:
    search = make_search()
    with Store.open(tmp_path / "s.db", study="mine", create=True) as store:
        store.create_study(search.record())
        other = make_search(generation=4, pruner="halving")
        with pytest.raises(UserError, match=r"design.generation is 8, asked is 4.*pruner"):
            store.create_study(other.record())
