from __future__ import annotations

from typing import Any

import optuna
import pytest
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.samplers import CmaEsSampler, RandomSampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from dse.study.search.algorithms import quiet
from dse.study.search.covariance import CovarianceSampler

NUMBERS: dict[str, BaseDistribution] = {
    "x": FloatDistribution(-2, 2),
    "y": FloatDistribution(1, 100, log=True),
    "z": IntDistribution(1, 9),
}
POPULATION = 6


class Pickling(CmaEsSampler):
    """Optuna's own, which keeps its state as pickles, over the same search space.

    It begins anew only once, and draws a seed for it that nothing depends on; here always.
    """

    def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, BaseDistribution]:
        return NUMBERS

    def _restore_optimizer(self, completed_trials: list[FrozenTrial]) -> Any:
        optimizer = super()._restore_optimizer(completed_trials)
        if optimizer is not None:
            self._cma_rng.rng.randint(1, 2**31 - 2)
        return optimizer


def error_of(params: dict[str, Any]) -> float:
    return float((params["x"] - 1) ** 2 + abs(params["y"] - 30) / 30 + abs(params["z"] - 6))


def asked_of(study: optuna.Study) -> list[dict[str, Any]]:
    """The parameters of one generation, which is then told."""
    trials = [study.ask(NUMBERS) for _ in range(POPULATION)]
    for trial in trials:
        study.tell(trial, error_of(trial.params))
    return [trial.params for trial in trials]


@pytest.fixture
def warm() -> list[FrozenTrial]:
    with quiet():
        study = optuna.create_study(sampler=RandomSampler(seed=1))
        for _ in range(20):
            trial = study.ask(NUMBERS)
            study.tell(trial, error_of(trial.params))
    return study.trials


@pytest.mark.parametrize("is_warm", [False, True])
def test_it_asks_as_optunas_sampler_does_whose_state_is_pickled(
    is_warm: bool, warm: list[FrozenTrial]
) -> None:
    sources = warm if is_warm else None
    with quiet():
        pickled = optuna.create_study()
        plain = optuna.create_study()
        for generation in range(6):
            pickled.sampler = Pickling(
                seed=generation, popsize=POPULATION, n_startup_trials=0, source_trials=sources
            )
            plain.sampler = CovarianceSampler(
                NUMBERS,
                seed=generation,
                population=POPULATION,
                warm=sources or [],
                others=RandomSampler(seed=0),
            )
            expected, got = asked_of(pickled), asked_of(plain)
            for one, other in zip(expected, got, strict=True):
                assert one == pytest.approx(other, rel=1e-6)
    assert any("optimizer" in key for trial in pickled.trials for key in trial.system_attrs)
    assert {key for trial in plain.trials for key in trial.system_attrs} == {"cma:generation"}
    best = [min(t.values[0] for t in plain.trials[k : k + POPULATION]) for k in (0, 30)]
    assert best[1] < best[0]


def test_parameters_that_are_no_numbers_are_left_to_another_sampler() -> None:
    with quiet():
        sampler = CovarianceSampler(
            NUMBERS, seed=0, population=4, warm=[], others=RandomSampler(seed=0)
        )
        study = optuna.create_study(sampler=sampler)
        trial = study.ask(NUMBERS)
        assert trial.suggest_categorical("choice", ["a", "b"]) in ("a", "b")


def test_trials_that_are_few_or_broke_off_make_no_first_distribution(
    warm: list[FrozenTrial],
) -> None:
    failed = create_trial(state=TrialState.FAIL)

    def first(trials: list[FrozenTrial]) -> dict[str, Any]:
        with quiet():
            sampler = CovarianceSampler(
                NUMBERS, seed=0, population=4, warm=trials, others=RandomSampler(seed=0)
            )
            return optuna.create_study(sampler=sampler).ask(NUMBERS).params

    assert first([]) == first(warm[:9]) == first([*warm[:9], failed])
    assert first([]) != first(warm[:10])
