from __future__ import annotations

import json

import numpy as np

from dse.analysis.factors.explanation import explanation
from dse.analysis.factors.levels import networks
from tests.analysis.factors.made import made
from tests.population import make_population


def test_every_row_is_json_and_says_a_sentence():
    rows = explanation(networks(make_population(120))).rows()
    text = json.dumps(rows, allow_nan=False)
    assert json.loads(text) == rows
    assert all(row["sentence"].endswith(".") for row in rows)
    assert rows[-1]["table"] == "narrowing"


def test_a_population_in_another_order_says_the_same():
    population = make_population(80)
    shuffled = population.sample(frac=1, random_state=3)
    rows = [json.dumps(explanation(networks(frame)).rows()) for frame in (population, shuffled)]
    assert rows[0] == rows[1]


def test_sentences_say_what_is_shown_and_what_is_not():
    rows = explanation(made(600)).rows()
    says = {
        (row["table"], row["name"], row.get("level")): row["sentence"]
        for row in rows
        if "name" in row
    }
    assert says["importance", "p0", None] == "p0 matters (p < 0.001, corrected)."
    assert "is not shown to matter by itself" in says["importance", "p3", None]
    assert (
        "higher than at the other levels, with the other choices held"
        in (says["effects", "p0", "a"])
    )
    assert "no difference to the other levels is shown" in says["effects", "p3", "b"]
    assert says["ranges", "p0", None].startswith("Keep p0 = b or c: networks with a are worse")
    assert "points" in rows[-1]["sentence"]


def test_only_settable_parameters_are_narrowed():
    found = explanation(made(600), settable={"p1"})
    assert [kept.name for kept in found.narrowing.kept] == ["p1"]
    assert len(found.importances) == 4
    assert np.isfinite([row.ped_anova for row in found.importances]).all()
