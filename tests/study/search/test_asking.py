from __future__ import annotations

import dataclasses

import pytest
from optuna.trial import FixedTrial

from dse.study.search import asking
from dse.study.search.asking import ask
from dse.study.search.history import History
from dse.study.search.records import Found, Told
from dse.study.suggest import suggest
from tests.study.search.fake import error_of, make_search
from tests.study.searched import SPACES


def grown(history: History, generations: int) -> History:
    """What is found when further generations are asked for and trained."""
    for _ in range(generations):
        generation = len(history.found) // history.search.generation
        new = [
            Found(
                asked=asked,
                told=Told(
                    number=asked.number, state="complete", curve={1: error_of(asked.architecture)}
                ),
            )
            for asked in ask(history, generation)
        ]
        history = dataclasses.replace(history, found=(*history.found, *new))
    return history


@pytest.mark.parametrize("algorithm", ["tpe", "cmaes", "nsga2"])
def test_what_a_generation_asks_for_depends_on_what_was_found_before_alone(algorithm: str) -> None:
    history = grown(History(search=make_search(algorithm=algorithm, generation=4)), 3)
    asked = ask(history, 3)
    assert ask(history, 3) == asked
    assert [each.number for each in asked] == [12, 13, 14, 15]
    upside_down = [
        dataclasses.replace(found, told=dataclasses.replace(found.told, curve={1: 1 - error}))
        for found in history.found
        for error in found.told.curve.values()
    ]
    assert ask(dataclasses.replace(history, found=upside_down), 3) != asked


@pytest.mark.parametrize("name", SPACES)
def test_the_params_of_a_network_make_it_again(name: str) -> None:
    search = make_search(name)
    for asked in ask(History(search=search), 0):
        again = suggest(FixedTrial(dict(asked.params)), search.sampler)
        assert again.architecture == asked.architecture


@pytest.mark.parametrize(("algorithm", "key"), [("cmaes", "cma"), ("nsga2", "NSGAIISampler")])
def test_marks_tell_the_generations_of_an_algorithm(algorithm: str, key: str) -> None:
    history = grown(History(search=make_search(algorithm=algorithm, generation=4)), 3)
    marks = [found.asked.marks for found in history.found]
    assert marks == [{f"{key}:generation": k} for k in (0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2)]


@pytest.mark.parametrize("algorithm", ["tpe", "cmaes", "nsga2"])
def test_refused_suggestions_are_noted_and_learned_from(algorithm: str) -> None:
    search = make_search("other priors", algorithm=algorithm, generation=8)
    history = grown(History(search=search), 2)
    refused = [params for found in history.found for params in found.asked.refused]
    assert refused
    trials = history.trials()
    assert len(trials) == 16 + len(refused)
    broken = [trial.params for trial in trials if trial.constraints == {"budget": 1.0}]
    assert broken == refused
    assert all(trial.values == [1.0] for trial in trials if trial.params in refused)


@pytest.mark.parametrize("algorithm", ["tpe", "cmaes", "nsga2"])
def test_where_a_sampler_insists_on_what_cannot_be_a_network_is_drawn_from_the_space(
    algorithm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "PATIENCE", 1)
    search = make_search("regnetx", algorithm=algorithm, generation=8)
    history = grown(History(search=search), 2)
    drawn = [found.asked for found in history.found if found.asked.refused]
    assert len(drawn) > 4
    assert len({asked.architecture for asked in drawn}) == len(drawn)
    for asked in drawn:
        assert search.budget.contains(asked.cost.flops)
        assert suggest(FixedTrial(dict(asked.params)), search.sampler).architecture == (
            asked.architecture
        )


def test_measured_objectives_are_measured_once_and_kept() -> None:
    calls = []

    def measure(network: object) -> dict[str, float]:
        calls.append(network)
        return {"latency": 0.001 * len(calls), "memory": 5e6}

    search = make_search(objectives=("error", "latency"), measure=measure, generation=3)
    asked = ask(History(search=search), 0)
    assert [each.measured for each in asked] == [{"latency": 0.001 * k} for k in (1, 2, 3)]
    assert [each.value("latency") for each in asked] == [0.001, 0.002, 0.003]
    assert asked[0].value("params") == asked[0].cost.params
