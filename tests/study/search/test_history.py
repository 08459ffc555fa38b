from __future__ import annotations

from typing import Any

import pytest
from optuna.trial import TrialState

from dse.study.search.asking import ask
from dse.study.search.history import History
from dse.study.search.records import Found, Told
from tests.study.search.fake import make_search


def history(algorithm: str, *told: dict[str, Any], **options: Any) -> History:
    search = make_search(algorithm=algorithm, **options)
    asked = ask(History(search=search), 0)
    found = [Found(asked=asked[k], told=Told(number=k, **each)) for k, each in enumerate(told)]
    return History(search=search, found=found)


COMPLETE = {"state": "complete", "curve": {1: 0.6, 2: 0.4}}
STOPPED = {"state": "stopped", "curve": {1: 0.7}}
BAD = {"state": "diverged", "curve": {1: 0.6}}


@pytest.mark.parametrize("algorithm", ["tpe", "gp", "cmaes", "nsga2"])
def test_a_training_is_told_with_its_final_error(algorithm: str) -> None:
    (trial,) = history(algorithm, COMPLETE).trials()
    assert (trial.state, trial.values) == (TrialState.COMPLETE, [0.4])
    assert not trial.constraints


def test_a_stopped_training_is_pruned_to_tpe() -> None:
    (trial,) = history("tpe", STOPPED).trials()
    assert trial.state is TrialState.PRUNED
    assert trial.intermediate_values == {1: 0.7}


@pytest.mark.parametrize("algorithm", ["gp", "cmaes", "nsga2"])
def test_the_others_are_told_the_error_at_which_a_training_was_stopped(algorithm: str) -> None:
    (trial,) = history(algorithm, STOPPED).trials()
    assert (trial.state, trial.values) == (TrialState.COMPLETE, [0.7])


@pytest.mark.parametrize("state", ["diverged", "out_of_memory", "failed"])
@pytest.mark.parametrize("algorithm", ["tpe", "gp", "cmaes", "nsga2"])
def test_a_training_that_came_to_nothing_is_worse_than_all_others(
    algorithm: str, state: str
) -> None:
    trials = history(algorithm, COMPLETE, BAD | {"state": state}).trials()
    assert [trial.values for trial in trials] == [[0.4], [1.0]]
    assert [trial.constraints for trial in trials] == [{"budget": 0.0}, {"budget": 1.0}]


def test_costs_are_told_beside_the_error() -> None:
    found = history("nsga2", COMPLETE, BAD, objectives=("error", "params"))
    params = [each.asked.cost.params for each in found.found]
    assert [trial.values for trial in found.trials()] == [[0.4, params[0]], [1.0, params[1]]]
    assert found.refused({}).values == [1.0, max(params)]


def test_a_survey_comes_first_and_is_the_first_generation_of_nsga2() -> None:
    found = history("nsga2", COMPLETE, STOPPED)
    warm = History(search=found.search, warm=found.found[:1], found=found.found[1:])
    first, second = warm.trials()
    assert first.system_attrs == {"NSGAIISampler:generation": 0}
    assert first.params == found.found[0].asked.params
    assert second.values == [0.7]
