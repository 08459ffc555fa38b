from __future__ import annotations

import json

import numpy as np
import pandas as pd
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
    best = summary.best[0]
    mean, first_error = (f"{100 * e:.1f} %" for e in (best.mean_error, best.first_error))
    assert f"{mean} error, the mean of {first_error} by the first seed" in text
    assert "by a fresh one (" in text
    assert "of further networks, drawn from this space" in text
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
    population = make_population(12, diverged=tuple(range(12)))
    summary = summarise(population, random_subset=1, embedded=False)
    assert summary.quartiles[0].value == np.inf
    assert summary.best == ()
    text = " ".join(summary.sentences)
    assert text.count("there is no best one") == 1
    assert "Median error infinite, lower quartile infinite (0.0 % or more), upper" in text
    assert "inf " not in text


def test_a_network_that_ended_badly_with_any_seed_is_not_among_the_best():
    population = make_population()
    winner = summarise(population, random_subset=6, embedded=False).best[0].index
    second = (population["index"] == winner) & (population["replicate"] == 1)
    population.loc[second, "state"], population.loc[second, "error"] = "diverged", np.nan
    best = summarise(population, random_subset=6, embedded=False, top=24).best
    assert {winner, *DIVERGED}.isdisjoint(entry.index for entry in best)
    assert len(best) == 21


def test_notes_of_the_caller_follow_signal_and_noise():
    summary = summarise(
        make_population(), random_subset=RANDOM_SUBSET, embedded=True, notes=("A.", "B.")
    )
    place = summary.sentences.index("A.")
    assert "ICC" in summary.sentences[place - 1]
    assert summary.sentences[place + 1] == "B."


def test_trainings_on_different_devices_are_counted_and_told():
    population = make_population()
    alike = summarise(population, random_subset=RANDOM_SUBSET, embedded=False)
    assert not any("device" in s for s in alike.sentences)
    population.loc[population.index[:3], ["device", "dtype"]] = ["cuda", "float32"]
    mixed = summarise(population, random_subset=RANDOM_SUBSET, embedded=False)
    complete = int((population["state"] == "complete").sum())
    counts = f"({complete - 3} on cpu in bfloat16, 3 on cuda in float32)"
    assert any(counts in s for s in mixed.sentences)


def test_finalists_are_as_many_as_the_study_chose():
    population = make_population(100, diverged=())
    population = population[(population["replicate"] == 0) | (population["index"] < 7)]
    again = population.sort_values("error").query("replicate == 0")["index"].iloc[:8]
    fresh = population[population["index"].isin(again) & (population["replicate"] == 0)]
    population = pd.concat([population.query("replicate == 0"), fresh.assign(replicate=1)])
    summary = summarise(population, random_subset=7, embedded=False, top=100, top_share=0.07)
    assert sum(entry.finalist for entry in summary.best) == 7
