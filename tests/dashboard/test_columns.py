from __future__ import annotations

import base64
import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dse.dashboard.columns import MISSING, pack_curves, studies_value, study_value
from dse.dashboard.view import View
from tests.dashboard.conftest import make_study
from tests.population import make_curves, make_population


def decoded(packed: dict) -> np.ndarray:
    return np.frombuffer(base64.b64decode(packed["data"]), dtype=f"<{packed['type']}")


def test_every_network_is_there_with_its_costs_and_choices_by_index() -> None:
    study = make_study(make_population().sample(frac=1, random_state=0))
    value = study_value(study)
    columns = value["columns"]
    assert value["networks"] == 24
    assert decoded(columns["index"]).tolist() == list(range(24))
    assert decoded(columns["flops"]).tolist() == study.networks["flops"].tolist()
    assert np.isinf(decoded(columns["error"])).sum() == 2
    assert {name for name in columns if name.startswith("arch.")} == {
        name for name in study.networks if name.startswith("arch.")
    }


def test_a_choice_that_all_share_is_marked() -> None:
    population = make_population()
    population["arch.stem"] = "patch"
    columns = study_value(make_study(population))["columns"]
    assert [name for name, column in columns.items() if column.get("fixed")] == ["arch.stem"]


def test_a_part_of_the_networks_says_how_many_there_are() -> None:
    study = make_study(make_population())
    value = study_value(study, kept=[3, 5, 99])
    assert value["networks"] == 24
    assert decoded(value["columns"]["index"]).tolist() == [3, 5]
    assert set(decoded(value["again"]["index"])) <= {3, 5}
    assert value["columns"].keys() == study_value(study)["columns"].keys()


def test_columns_are_told_with_name_unit_and_words_as_plain_text() -> None:
    population = make_population()
    population["arch.<b>"] = np.where(population["index"] % 2, "layer_norm", "a & b")
    columns = study_value(make_study(population))["columns"]
    assert columns["error"]["label"] == "Held-out error"
    assert (columns["error"]["unit"], columns["error"]["factor"]) == ("%", 100)
    assert columns["arch.<b>"]["label"] == "<b>"
    assert columns["arch.<b>"]["words"] == ["a & b", "LayerNorm"]


def test_long_curves_are_thinned_and_keep_their_last_epoch() -> None:
    population = make_population()
    curves = make_curves(population, epochs=130)
    packed = pack_curves(curves, np.arange(24))
    assert packed is not None
    assert len(packed["epochs"]) == 40
    assert (packed["epochs"][0], packed["epochs"][-1]) == (1, 130)
    codes = np.frombuffer(base64.b64decode(packed["data"]), dtype="<u2").reshape(24, 40)
    errors = packed["scale"] * codes / (MISSING - 1)
    final = population[population["replicate"] == 0].set_index("index")["error"]
    good = final.notna().to_numpy()
    np.testing.assert_allclose(errors[good, -1], final[good], atol=1e-5)
    assert (codes[~good, -1] == MISSING).all()
    assert pack_curves(curves.head(0), np.arange(24)) is None


@pytest.mark.parametrize(
    ("kind", "several", "command"),
    [
        ("survey", False, "dse export studies/study.db --id "),
        ("survey", True, "dse export studies/study.db --study 'a study' --id "),
        ("search", False, "dse export studies/study.db --study 'a study' --id "),
        ("imported", False, None),
    ],
)
def test_the_command_that_exports_a_network_names_the_study_where_it_must(
    kind: Any, several: bool, command: str | None
) -> None:
    study = dataclasses.replace(make_study(make_population(study="a study")), kind=kind)
    others = [make_study(make_population())] if several else []
    assert studies_value(View(studies=(study, *others)))[0]["command"] == command


def test_a_study_without_networks_is_packed_too() -> None:
    value = study_value(make_study(make_population().head(0)))
    assert value["networks"] == 0
    assert value["curves"] is None
    assert isinstance(value["columns"]["index"]["data"], str)
    assert pd.Series(decoded(value["columns"]["index"])).empty
