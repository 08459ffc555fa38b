"""Many studies in one database, never mixed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from dse.errors import UserError
from dse.store.records import CandidateRecord, Counts
from dse.store.store import Store
from tests.store.conftest import Open
from tests.store.records import PROXY, candidate, fill, result, study, trial


def test_the_only_survey_is_meant_where_none_is_named(open_store: Open) -> None:
    fill(open_store(study="hunt"), 3, kind="search", name="hunt", design={})
    assert open_store().study() is None
    assert open_store().counts() == Counts()
    fill(open_store(study="toy"), 2)
    store = open_store()
    assert (store.existing_study().name, store.existing_study().kind) == ("toy", "survey")
    assert store.counts() == Counts(waiting=2)
    assert [found.name for found in store.studies()] == ["hunt", "toy"]


def test_of_several_surveys_one_must_be_named(open_store: Open) -> None:
    for name in ("first", "second"):
        fill(open_store(study=name), 1, name=name, seed=len(name))
    store = open_store()
    for use in (store.study, store.counts, store.population, lambda: store.claim("worker")):
        with pytest.raises(UserError, match=r"several surveys: .*--study: 'first', 'second'"):
            use()
    found = open_store(study="second").study()
    assert found is not None
    assert (found.name, found.seed) == ("second", 6)


def test_a_study_that_is_not_there_is_told_with_those_that_are(open_store: Open) -> None:
    store = open_store(study="third")
    with pytest.raises(UserError, match=r"holds no study 'third'; it holds: none"):
        store.existing_study()
    fill(open_store(study="hunt"), 1, kind="search", name="hunt", design={})
    with pytest.raises(UserError, match=r"holds no study 'third'; it holds: 'hunt' \(search\)"):
        store.existing_study()
    with pytest.raises(UserError, match=r"holds no survey: name a study .*: 'hunt' \(search\)"):
        open_store().existing_study()
    with pytest.raises(UserError, match="holds no study 'nothing'"):
        store.claim("worker", studies=["nothing"])
    assert store.study() is None


def test_what_is_read_is_of_one_study(open_store: Open) -> None:
    survey, search = open_store(study="toy"), open_store(study="hunt")
    fill(survey, 2)
    fill(search, 3, kind="search", name="hunt", design={})
    for store, error in ((survey, 0.5), (search, 0.25)):
        claim = store.claim("worker")
        assert claim is not None
        store.complete(claim, result(error))
    assert survey.best() == (0, 0.5)
    assert search.best() == (0, 0.25)
    assert (survey.networks(), search.networks()) == (2, 3)
    assert survey.population()["study"].unique().tolist() == ["toy"]
    assert survey.population()["error"].dropna().tolist() == [0.5]
    assert search.curves()["error"].tolist() == [0.9, 0.25]
    assert search.counts() == Counts(waiting=2, complete=1)


def test_a_worker_takes_from_its_study_from_named_ones_or_from_all(open_store: Open) -> None:
    stores = {name: open_store(study=name) for name in ("a", "b", "c")}
    for name, store in stores.items():
        fill(store, 2, name=name)

    def take(studies: object) -> list[tuple[str, int]]:
        claims = iter(lambda: stores["a"].claim("worker", studies=studies), None)  # type: ignore[arg-type]
        found = [(claim.study, claim.index) for claim in claims if claim]
        stores["a"].release("worker", "again")
        return found

    assert take(None) == [("a", 0), ("a", 1)]
    assert sorted(take(["b", "c"])) == [("b", 0), ("b", 1), ("c", 0), ("c", 1)]
    everything = take("all")
    assert sorted(everything) == [(name, index) for name in "abc" for index in (0, 1)]
    assert [index for _, index in everything] == [0, 0, 0, 1, 1, 1], "lowest index first"


def test_trainings_of_two_studies_have_checkpoints_of_their_own(open_store: Open) -> None:
    places = set()
    for name in ("a", "b"):
        store = open_store(study=name)
        fill(store, 1, name=name)
        claim = store.claim("worker")
        assert claim is not None
        places.add(claim.checkpoint)
    assert len(places) == (1 if store.target.path is None else 2)
    assert (None in places) == (store.target.path is None)


def test_a_name_stands_for_one_study(open_store: Open) -> None:
    fill(open_store(study="mine"), 1)
    again = open_store(study="mine")
    again.create_study(study())
    with pytest.raises(UserError, match="holds another study, mine: its seed is 0, asked is 1"):
        again.create_study(study(seed=1))
    with pytest.raises(UserError, match="it is a survey, asked is a search"):
        again.create_study(study(kind="search"))
    assert [found.name for found in again.studies()] == ["mine"]


def test_an_unnamed_study_goes_on_with_the_only_survey_or_the_one_of_its_name(
    open_store: Open,
) -> None:
    open_store().create_study(study(name="first"))
    renamed = open_store()
    renamed.create_study(study(name="renamed"))
    assert renamed.existing_study().name == "first"
    with pytest.raises(UserError, match=r"its seed is 0, asked is 1: .* name a new one with --st"):
        open_store().create_study(study(name="other", seed=1))
    open_store(study="other").create_study(study(name="other", seed=1))
    store = open_store()
    store.create_study(study(name="other", seed=1))
    assert store.existing_study().name == "other"
    match = open_store().match(study(name="first"))
    assert match is not None
    assert match.name == "first"


def test_a_search_is_found_by_its_name_alone(open_store: Open) -> None:
    open_store().create_study(study(name="survey"))
    store = open_store()
    store.create_study(study(name="hunt", kind="search", design={"sampler": "tpe"}))
    assert store.existing_study().kind == "search"
    assert {found.name: found.kind for found in store.studies()} == {
        "survey": "survey",
        "hunt": "search",
    }


def test_studies_of_one_space_share_it_and_keep_their_names_for_it(open_store: Open) -> None:
    for name in ("a", "b"):
        space = {"name": f"space of {name}", "parameters": {"depths": [1, 2]}}
        store = open_store(study=name)
        asked = study(name=name, space_name=f"space of {name}", space=space, proxy=PROXY)
        store.create_study(asked)
        assert store.study() == asked


def test_the_origin_of_a_network_of_a_search_is_kept(open_store: Open) -> None:
    store = open_store(study="hunt")
    store.create_study(study(name="hunt", kind="search", design={}))
    asked = [candidate(0, origin={"trial": 7, "rung": 1}), candidate(1)]
    store.add_candidates([*reversed(asked), candidate(-1, architecture={"reference": "x"})])
    assert store.candidates() == asked
    assert store.references() == ["x"]
    found: list[CandidateRecord] = store.candidates()
    assert found[0].origin == {"trial": 7, "rung": 1}


def test_two_that_ask_for_the_same_at_once_get_it_once(open_store: Open) -> None:
    def ask(store: Store) -> None:
        store.create_study(study())
        store.add_candidates(candidate(index) for index in range(50))
        store.add_trials(trial(index) for index in range(50))

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(ask, [open_store() for _ in range(6)]))
    store = open_store()
    assert (store.networks(), store.counts()) == (50, Counts(waiting=50))
