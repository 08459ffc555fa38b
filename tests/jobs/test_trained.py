"""Full trainings recorded in their study's store."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dse.architecture import Architecture
from dse.jobs.trained import read_full_trainings, record_training
from dse.store.store import Store
from dse.training.recipe import Origin, Recipe
from dse.training.trained import Trained
from tests.filled import fill_survey
from tests.services.postgresql import Server
from tests.training.test_trained import trained


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill_survey(tmp_path_factory.mktemp("survey") / "toy.db", models=6, study="toy")


@pytest.fixture
def place(postgresql: Server) -> Iterator[str]:
    """A survey of two networks on a server."""
    with postgresql.database() as url:
        fill_survey(url, models=2, study="toy")
        yield url


@pytest.fixture
def store(survey: Path, tmp_path: Path) -> Path:
    path = tmp_path / "toy.db"
    path.write_bytes(survey.read_bytes())
    return path


def origin(store: Path | str, index: int = 3) -> Origin:
    return Origin(store=str(store), study="toy", index=index)


def finished(store: Path | str, index: int = 3, **changes: Any) -> Trained:
    with Store.open(store, read_only=True, study="toy") as opened:
        network = Architecture.from_dict(opened.candidates()[index].architecture)
    return trained(network=network, index=index, **changes)


def recipe(**changes: Any) -> dict[str, Any]:
    return Recipe(**changes).model_dump(mode="json")


def studies(store: Path) -> list[str]:
    with Store.open(store, read_only=True) as opened:
        return [each.kind for each in opened.studies()]


def test_a_finished_training_is_recorded_beside_its_survey(store: Path) -> None:
    said = record_training(origin(store), finished(store))
    assert said.startswith(f"{store}: recorded as network 3, full training 1 of 'toy-full-")
    with Store.open(store, read_only=True) as opened:
        population = opened.population()
        full = opened.studies()[1]
    assert full.kind == "training"
    assert full.design == {"of": "toy"}
    assert full.proxy["recipe"]["schedule"]["epochs"] == 300
    (found,) = read_full_trainings(store, "toy", population)
    assert (found.index, found.error, found.epochs, found.test_images) == (3, 0.25, 2, 200)
    assert found.proxy == population.query("index == 3 and replicate == 0")["error"].item()
    assert found.study.data == "toy (0123456789ab)"
    with Store.open(store, read_only=True, study=full.name) as opened:
        row = opened.population().iloc[0]
        curve = opened.curves()
    assert (row["dtype"], row["learning_rate"], row["device"]) == ("bfloat16", 4e-3, "cpu")
    assert curve["step"].tolist() == [10, 20]


def test_the_same_training_is_recorded_once(store: Path) -> None:
    record_training(origin(store), finished(store))
    again = record_training(origin(store), finished(store))
    assert "is recorded there already: network 3, full training 1" in again
    other = record_training(origin(store), finished(store, error=0.5))
    assert "holds another training from seed 0 (error 0.2500), which stays" in other
    with Store.open(store, read_only=True) as opened:
        assert len(read_full_trainings(store, "toy", opened.population())) == 1


@pytest.mark.parametrize(
    ("change", "count", "replicate"),
    [
        ({"seed": 1, "recipe": recipe(seed=1)}, 1, 1),
        ({"seed": 1, "recipe": recipe(seed=1, micro_batch=8, compile=True)}, 1, 1),
        ({"recipe": recipe(label_smoothing=0.2)}, 2, 0),
        ({"data": "other (ffff)"}, 2, 0),
        ({"initial": "timm:convnext_tiny"}, 2, 0),
    ],
)
def test_what_differs_makes_a_replicate_or_a_study(
    store: Path, change: dict[str, Any], count: int, replicate: int
) -> None:
    record_training(origin(store), finished(store))
    record_training(origin(store), finished(store, **change))
    assert studies(store) == ["survey"] + ["training"] * count
    with Store.open(store, read_only=True) as opened:
        found = read_full_trainings(store, "toy", opened.population())
    assert found[-1].replicate == replicate
    assert len(found) == 2
    assert len({each.study for each in found}) == count


def test_a_diverged_training_is_recorded_as_that(store: Path) -> None:
    ended = finished(store, state="diverged", error=None, reason="the loss became NaN", epochs=())
    assert "recorded as network 3" in record_training(origin(store), ended)
    with Store.open(store, read_only=True) as opened:
        (found,) = read_full_trainings(store, "toy", opened.population())
    assert (found.state, found.reason, found.epochs) == ("diverged", "the loss became NaN", 0)


def test_stochastic_depth_is_the_recipes_and_not_the_networks(store: Path) -> None:
    ended = finished(store)
    deeper = dataclasses.replace(ended.network, drop_path_rate=0.4)
    said = record_training(origin(store), dataclasses.replace(ended, network=deeper))
    assert "recorded as network 3" in said


def test_another_network_or_none_is_not_recorded(store: Path) -> None:
    said = record_training(origin(store, index=2), finished(store))
    assert said.startswith("not recorded in the study: ")
    assert "its network 2 is not the one that was trained; " in said
    assert "has no network 99; " in record_training(origin(store, index=99), finished(store))
    assert studies(store) == ["survey"]


def test_of_a_record_of_full_trainings_nothing_is_recorded(store: Path) -> None:
    record_training(origin(store), finished(store))
    with Store.open(store, read_only=True) as opened:
        name = opened.studies()[1].name
    said = record_training(Origin(store=str(store), study=name, index=3), finished(store))
    assert "is a record of full trainings, of which nothing is trained fully" in said


def test_it_is_the_same_on_a_server(place: str) -> None:
    for error in (0.25, 0.5):
        ended = finished(place, index=1, error=error)
        said = record_training(Origin(store=place, study="toy", index=1), ended)
        assert "network 1, full training 1 of 'toy-full-" in said
    with Store.open(place, read_only=True) as opened:
        (found,) = read_full_trainings(place, "toy", opened.population())
    assert (found.index, found.error, found.epochs) == (1, 0.25, 2)


def test_a_store_that_is_gone_is_told_in_one_sentence(store: Path, tmp_path: Path) -> None:
    ended = finished(store)
    gone = tmp_path / "gone.db"
    said = record_training(origin(gone), ended)
    assert said.startswith(f"not recorded in the study: {gone}: there is no store here")
    assert said.endswith("the same `dse train` records it once that is mended.")
    assert not gone.exists()
