"""Studies that were measured elsewhere, over both databases."""

from __future__ import annotations

import numpy as np
import pytest

from dse.errors import UserError
from dse.store.records import Counts, ImportedNetwork, ImportedTraining, StudyRecord
from dse.store.store import Store
from tests.store.conftest import Open
from tests.store.records import candidate, fill, result, study, trial

NETWORKS = [
    ImportedNetwork(
        name="a",
        choices={"depth": 18, "stem": "patch"},
        flops=10**9,
        params=11_000_000,
        trainings=(ImportedTraining(seed=7, error=0.25), ImportedTraining(seed=8, error=0.5)),
    ),
    ImportedNetwork(name="b", choices={"depth": 34, "stem": None}, flops=None, params=None),
    ImportedNetwork(
        name="c",
        choices={"depth": 50, "stem": "conv"},
        flops=4 * 10**9,
        params=26_000_000,
        trainings=(ImportedTraining(seed=0, state="diverged", reason="diverged in zoo.csv"),),
    ),
]


def imported(**changes: object) -> StudyRecord:
    values = {
        "name": "zoo",
        "kind": "imported",
        "space_name": "zoo",
        "space_hash": "table 0",
        "space": {"name": "zoo", "parameters": {}},
        "budget": {},
        "proxy": {},
        "design": {"repeat": 0.0, "sha256": "0", "classes": 10, "test_images": 100},
        "provenance": {"file": "zoo.csv"},
    }
    return study(**values | changes)


def test_what_was_imported_is_read_as_a_population(open_store: Open) -> None:
    assert open_store().import_study(imported(), NETWORKS) is None
    store = open_store(study="zoo")
    assert store.existing_study() == imported()
    assert store.counts() == Counts(complete=2, diverged=1)
    assert store.networks() == 3
    table = store.population()
    assert table["index"].tolist() == [0, 0, 2]
    assert table["replicate"].tolist() == [0, 1, 0]
    assert table["error"].tolist()[:2] == [0.25, 0.5]
    assert table["state"].tolist() == ["complete", "complete", "diverged"]
    assert table["arch.depth"].tolist() == [18, 18, 50]
    assert table["arch.stem"].tolist() == ["patch", "patch", "conv"]
    assert "arch.network" not in table
    assert [network["network"] for network in table["architecture"]] == ["a", "a", "c"]
    assert table["flops"].tolist() == [10**9, 10**9, 4 * 10**9]
    assert np.isnan(table["activations"]).all()
    assert set(table["classes"]) == {10}
    assert set(table["test_images"]) == {100}
    assert store.curves().empty


def test_it_is_there_wholly_or_not_at_all(open_store: Open) -> None:
    store = open_store()
    twice = [NETWORKS[0], ImportedNetwork(name="x", choices={}, flops=2**80)]
    with pytest.raises(Exception, match=r"(?i)too large|out of range|int"):
        store.import_study(imported(), twice)
    assert store.studies() == []


def test_a_name_stands_for_one_study(open_store: Open) -> None:
    store = open_store()
    store.import_study(imported(), NETWORKS)
    other = imported(provenance={"file": "other.csv"})
    assert store.import_study(other, NETWORKS[:1]) == imported()
    assert open_store(study="zoo").networks() == 3
    with pytest.raises(UserError, match="it is an imported study, asked is a survey"):
        open_store(study="zoo").create_study(study(name="zoo"))


def test_no_worker_is_given_its_trainings(open_store: Open) -> None:
    open_store().import_study(imported(), NETWORKS)
    store = open_store(study="zoo")
    for studies in (None, "all", ["zoo"]):
        assert store.claim("worker", studies=studies) is None  # type: ignore[arg-type]
        assert not store.under_way(studies)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"measured elsewhere \(zoo.csv\): nothing is trained"):
        store.trainable_study()


def test_it_stands_beside_a_survey_and_is_never_mixed_with_it(open_store: Open) -> None:
    open_store().import_study(imported(), NETWORKS)
    assert open_store().existing_study().name == "zoo"  # the only study there is
    survey = open_store()
    survey.create_study(study())
    assert survey.existing_study().kind == "survey"
    survey.add_candidates([candidate(0)])
    survey.add_trials([trial(0)])
    claim = survey.claim("worker")
    assert claim is not None
    survey.complete(claim, result(0.1))
    assert open_store().population()["error"].tolist() == [0.1]
    assert open_store(study="zoo").population()["error"].dropna().tolist() == [0.25, 0.5]


def test_beside_a_search_it_must_be_named(open_store: Open) -> None:
    open_store().import_study(imported(), NETWORKS)
    fill(open_store(study="hunt"), 1, kind="search", name="hunt", design={})
    with pytest.raises(UserError, match=r"'zoo' \(imported\), 'hunt' \(search\)"):
        open_store().existing_study()


def test_many_networks_are_read_quickly_as_they_were_put_in(store: Store) -> None:
    many = [
        ImportedNetwork(
            name=str(k),
            choices={"k": k},
            flops=k,
            params=k,
            activations=k,
            trainings=(ImportedTraining(seed=0, error=k / 2000),),
        )
        for k in range(2000)
    ]
    store.import_study(imported(), many)
    table = store.population()
    assert table["flops"].dtype == np.int64
    assert table["arch.k"].tolist() == table["flops"].tolist() == list(range(2000))
    assert table["error"].tolist() == [k / 2000 for k in range(2000)]
