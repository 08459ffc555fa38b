from __future__ import annotations

import json

import numpy as np
import pytest

from dse.analysis.summary import EMBEDDED_SENTENCE, summarise
from tests.population import DIVERGED, RANDOM_SUBSET, make_population


def test_a_finished_study_is_summed_up():
    population = make_population()
    summary = summarise(population, random_subset=RANDOM_SUBSET, embedded=False)
    assert summary.networks == 24
    assert (summary.states["complete"], summary.states["diverged"]) == (22, len(DIVERGED))
    assert sum(summary.retrained.values()) == (population["replicate"] == 1).sum()
    first = population[population["replicate"] == 0]
    outcomes = np.sort(first["error"].fillna(np.inf))
    assert summary.quartiles[1].value == outcomes[11]
    assert len(summary.best) == 5
    assert summary.best[0].finalist
    text = " ".join(summary.sentences)
    assert "24 networks: 22 trained to the end, 2 diverged." in text
    assert f"network {summary.best[0].index} " in text
    assert "fresh seed" in text
    assert "ICC" in text
    assert EMBEDDED_SENTENCE not in text


def test_later_seeds_do_not_enter_the_statistics_of_the_space():
    population = make_population()
    alone = population[population["replicate"] == 0]
    with_seeds = summarise(population, random_subset=RANDOM_SUBSET, embedded=False)
    without = summarise(alone, random_subset=RANDOM_SUBSET, embedded=False)
    assert with_seeds.quartiles == without.quartiles


def test_the_embedded_data_set_is_called_no_evidence():
    summary = summarise(make_population(), random_subset=RANDOM_SUBSET, embedded=True)
    assert summary.sentences[-1] == EMBEDDED_SENTENCE
    assert "no evidence about ImageNet" in EMBEDDED_SENTENCE


def test_networks_at_chance_are_named():
    population = make_population()
    population.loc[population["index"] == 3, "error"] = 0.95
    summary = summarise(population, random_subset=RANDOM_SUBSET, embedded=False)
    assert summary.at_chance == (3,)
    assert any("1 network is still at chance" in s for s in summary.sentences)


def test_json_has_no_bare_infinity_and_stable_keys():
    summary = summarise(make_population(), random_subset=RANDOM_SUBSET, embedded=True)
    assert np.isinf(summary.quartiles[2].upper)
    plain = json.loads(json.dumps(summary.to_dict(), allow_nan=False))
    assert plain["quartiles"][2]["upper"] == "inf"
    assert {"states", "quartiles", "best", "reliability", "at_chance", "sentences"} <= set(plain)


@pytest.mark.parametrize("state", ["running", "waiting"])
def test_a_study_that_has_just_begun_has_no_numbers_and_no_crash(state):
    population = make_population(4, diverged=())
    population["state"], population["error"] = state, np.nan
    summary = summarise(population, random_subset=1, embedded=False)
    assert (summary.networks, summary.quartiles, summary.best) == (0, (), ())
    assert summary.sentences[0] == f"4 networks: 4 {state}."


def test_an_empty_study_says_so():
    summary = summarise(make_population().head(0), random_subset=0, embedded=False)
    assert summary.sentences[0] == "0 networks: none yet."


def test_a_study_of_bad_ends_has_no_best():
    population = make_population(3, diverged=(0, 1, 2))
    summary = summarise(population, random_subset=1, embedded=False)
    assert summary.quartiles[0].value == np.inf
    assert any("there is no best one" in s for s in summary.sentences)
