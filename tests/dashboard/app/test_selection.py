"""What the server says of a selection."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from dse.analysis.distributions import edf
from dse.analysis.population import outcomes
from dse.dashboard.app import value as app_value_module
from dse.dashboard.app.selection import (
    Answers,
    choose,
    curve_table,
    edf_value,
    evenly,
    median_curve,
)
from dse.dashboard.filters import Filter
from dse.dashboard.view import StudyData, View
from tests.dashboard.app.made import make_server, renamed
from tests.dashboard.conftest import make_study
from tests.large import make_large


def test_an_edf_is_the_one_of_the_statistics(study: StudyData) -> None:
    errors = outcomes(study.networks)
    found = edf_value(errors)
    exact = edf(errors[np.isfinite(errors)], len(errors))
    assert found["n"] == len(errors)
    steps = dict(zip(found["x"], found["y"], strict=True))
    for x, y in zip(exact.errors, exact.fraction, strict=True):
        if math.isfinite(x):
            assert steps[float(x)] == pytest.approx(float(y))
    assert found["half"] == pytest.approx(math.sqrt(math.log(40) / (2 * len(errors))))


def test_a_long_edf_is_thinned_evenly_with_both_ends() -> None:
    errors = np.random.default_rng(0).permutation(np.linspace(0.1, 0.9, 5000))
    found = edf_value(errors)
    assert len(found["x"]) == 1000
    assert (found["x"][0], found["x"][-1]) == (0.1, 0.9)
    assert found["y"][-1] == 1
    assert np.abs(np.array(found["y"]) - (np.array(found["x"]) - 0.1) / 0.8).max() < 1e-3
    assert list(evenly(5, 3)) == [0, 2, 4]
    assert list(evenly(2, 3)) == [0, 1]


def test_bad_ends_are_worse_than_every_error_in_a_median_curve() -> None:
    nan = math.nan
    errors = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, nan]])
    assert median_curve(errors, np.array([False, False, True])).tolist() == [0.8, 0.2]
    assert median_curve(errors, np.array([False, False, False])).tolist() == [0.8, 0.1]
    assert math.isinf(median_curve(errors[2:], np.array([True]))[1])
    assert math.isnan(median_curve(errors[2:], np.array([False]))[1])


def test_each_study_is_asked_and_studies_can_be_chosen(study: StudyData) -> None:
    view = View(studies=(study, renamed(study, "other, one")))
    good = Filter.parse("error=..0.45")
    counts = [int(chosen.mask.sum()) for chosen in choose(view, good)]
    assert 0 < counts[0] == counts[1] < len(study.networks)
    second = Filter.parse("error=..0.45&study=other%252C%20one")
    assert [int(chosen.mask.sum()) for chosen in choose(view, second)] == [0, counts[1]]


def test_answers_are_plain_and_kept_for_a_revision(study: StudyData) -> None:
    view, answers = View(studies=(study,)), Answers()
    asked = Filter.parse("error=..0.45")
    first = answers.answer("1", view, asked)
    assert answers.answer("1", view, asked)[0] is first[0]
    assert answers.answer("2", view, asked)[0] is not first[0]
    (found,) = first
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    rows = study.networks[asked.mask(study.networks)]
    assert found["n"] == len(rows)
    epochs, table = curve_table(study)
    assert len(found["curves"]) == min(30, len(rows))
    assert len(found["median"]) == len(epochs) == table.shape[1]
    last = study.curves[study.curves["epoch"] == epochs[-1]]
    last = last[(last["replicate"] == 0) & last["index"].isin(rows["index"])]
    middle = np.sort(last["error"])[math.ceil(len(rows) / 2) - 1]
    assert found["median"][-1] == pytest.approx(middle, abs=1e-4)


def test_an_empty_selection_has_nothing_but_its_count(study: StudyData) -> None:
    (found,) = Answers().answer("1", View(studies=(study,)), Filter.parse("error=..0.001"))
    assert found == {"n": 0, "edf": None, "median": None, "curves": []}


def test_a_page_of_too_many_networks_has_some_and_the_server_answers_for_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app_value_module, "MOST_HELD", 500)
    monkeypatch.setattr(app_value_module, "MOST_SENT", 200)
    study = make_study(make_large(600))
    server, _ = make_server(study)
    client = server.test_client()
    value = client.get("/_dse/page").json
    assert value["partial"] is True
    (packed,) = value["studies"]
    assert packed["networks"] == 600
    kept = app_value_module.kept_networks(View(studies=(study,)))[study.name]
    assert len(kept) == 200
    best = study.networks["index"][study.networks["error"].idxmin()]
    assert best in kept
    found = client.get("/_dse/select?filter=error%3D..0.5").json[0]
    exact = study.networks[Filter.parse("error=..0.5").mask(study.networks)]
    assert found["n"] == len(exact)
    assert found["edf"]["n"] == len(exact)
    assert found["edf"]["x"][0] == pytest.approx(exact["error"].min())
    whole = client.get("/_dse/selection.csv?filter=error%3D..0.5").text
    assert whole.count("\n") == len(exact) + 1
