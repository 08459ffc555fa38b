from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from dse.errors import UserError
from dse.store.store import Store
from dse.store.target import Target, parse_target
from dse.study.plan import Survey, candidate_record
from dse.study.search.plan import Search
from dse.study.search.warm import Warm, find_warm
from tests.study.search.fake import drain, error_of, make_search


def survey_into(place: Target, networks: int, **changes: Any) -> Survey:
    """A survey whose network 3 diverges and whose last network still waits."""
    search = make_search(**changes)
    survey = Survey(sampler=search.sampler, proxy=search.proxy, models=networks, repeat=0)
    with Store.open(place, study=survey.name, create=True) as store:
        store.create_study(survey.record())
        store.add_candidates(map(candidate_record, survey.sampler.samples(networks)))
        store.add_trials(survey.first_trials()[:-1])
        drain(store, {3: "diverged"})
        store.add_trials(survey.first_trials())
    return survey


@pytest.fixture
def file(tmp_path: Path) -> Target:
    return parse_target(tmp_path / "study.db")


def target_of(file: Target, search: Search) -> Target:
    return dataclasses.replace(file, study=search.name)


def begin(file: Target, search: Search, warm: Warm) -> None:
    """Put the search into the store."""
    search = dataclasses.replace(search, warm=warm.note)
    with Store.open(target_of(file, search), create=True) as store:
        store.create_study(search.record())


def test_without_a_survey_a_search_begins_with_nothing(file: Target) -> None:
    search = make_search()
    assert find_warm(search, target_of(file, search), "auto") == Warm()


def test_a_search_begins_with_the_survey_in_its_store(file: Target) -> None:
    survey, search = survey_into(file, 8), make_search()
    warm = find_warm(search, target_of(file, search), "auto")
    assert warm.note is not None
    assert (warm.note["study"], warm.note["networks"]) == (survey.name, "0-6")
    assert [each.told.state for each in warm.found] == ["complete"] * 3 + ["diverged"] + (
        ["complete"] * 3
    )
    samples = list(survey.sampler.samples(7))
    assert [each.asked.architecture for each in warm.found] == [s.architecture for s in samples]
    for each in warm.found:
        if each.told.error is not None:
            assert each.told.error == error_of(each.asked.architecture)
    assert find_warm(search, target_of(file, search), "none") == Warm()


@pytest.mark.parametrize("change", [{"space": "isotropic"}, {"seed": 1}])
def test_a_survey_of_another_experiment_is_left_alone(file: Target, change: dict[str, Any]) -> None:
    survey_into(file, 4, **change)
    search = make_search()
    found = find_warm(search, target_of(file, search), "auto").found
    assert bool(found) is ("seed" in change)  # other draws of the same space are as good


def test_a_search_goes_on_with_what_it_was_begun_with(file: Target) -> None:
    survey, search = survey_into(file, 6), make_search()
    before = find_warm(search, target_of(file, search), "auto")
    begin(file, search, before)
    with Store.open(file, study=survey.name) as store:
        drain(store)
    for asked in ("auto", survey.name, str(file)):
        assert find_warm(search, target_of(file, search), asked) == before
    assert find_warm(search, target_of(file, search), "none") == Warm()


def test_a_search_that_began_with_nothing_goes_on_so(file: Target) -> None:
    search = make_search()
    begin(file, search, Warm())
    survey = survey_into(file, 6)
    assert find_warm(search, target_of(file, search), "auto") == Warm()
    warm = find_warm(search, target_of(file, search), survey.name)
    with pytest.raises(UserError, match=r"design.warm.study is None, asked is"):
        begin(file, search, warm)


def test_another_store_can_be_named(file: Target, tmp_path: Path) -> None:
    search, there = make_search(), parse_target(tmp_path / "there.db")
    survey_into(there, 6)
    warm = find_warm(search, target_of(file, search), str(there))
    assert len(warm.found) == 5
    begin(file, search, warm)
    assert find_warm(search, target_of(file, search), "auto") == warm


def test_a_survey_that_has_changed_is_refused(file: Target, tmp_path: Path) -> None:
    search, there = make_search(), parse_target(tmp_path / "there.db")
    survey_into(there, 6)
    begin(file, search, find_warm(search, target_of(file, search), str(there)))
    assert there.path is not None
    there.path.unlink()
    survey_into(there, 4)
    with pytest.raises(UserError, match="has not the trainings any more"):
        find_warm(search, target_of(file, search), "auto")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("nobody", r"'nobody': is neither a store nor a survey in .*, which has 'isotropic-"),
        ("isotropic-4.5GFLOPs-repeat0pct", "its space is isotropic"),
    ],
)
def test_what_cannot_be_begun_with_is_refused(file: Target, asked: str, told: str) -> None:
    survey_into(file, 4, space="isotropic")
    search = make_search()
    with pytest.raises(UserError, match=told):
        find_warm(search, target_of(file, search), asked)


def test_costs_that_a_survey_did_not_measure_are_not_made_up(file: Target) -> None:
    survey = survey_into(file, 4)
    search = make_search(
        algorithm="nsga2",
        objectives=("error", "latency"),
        measure=lambda network: {"latency": 1.0, "memory": 1.0},
    )
    assert find_warm(search, target_of(file, search), "auto") == Warm()
    with pytest.raises(UserError, match="the latency of a survey's networks is not known"):
        find_warm(search, target_of(file, search), survey.name)
