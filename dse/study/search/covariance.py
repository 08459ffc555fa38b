"""CMA-ES as Optuna has it, but without pickled state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, CmaEsSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState, create_trial

_FEWEST_SOURCES = 10
"""Of fewer trials a tenth is none, and the tenth that is best makes the first distribution."""


class CovarianceSampler(CmaEsSampler):
    """CMA-ES (Hansen 2016) over the parameters of a space that are numbers.

    Optuna's sampler keeps its state as a pickle among the attributes of a trial, which whoever can
    write the database could use to run code here, and begins with a random generation, because it
    does not know the search space. This one restores its state from the results of the trials that
    it asked for, and is told the search space.

    Args:
        numbers: the search space.
        seed: of all its choices.
        population: trials of one generation.
        warm: trials from before the search. The tenth of them that is best makes the first
            distribution (Nomura et al. 2021), if they are ten at least.
        others: samples what is not in the search space.
    """

    def __init__(
        self,
        numbers: Mapping[str, BaseDistribution],
        *,
        seed: int,
        population: int,
        warm: Sequence[FrozenTrial],
        others: BaseSampler,
    ) -> None:
        sources = [_only(numbers, trial) for trial in warm if trial.state is TrialState.COMPLETE]
        super().__init__(
            seed=seed,
            popsize=population,
            n_startup_trials=0,
            independent_sampler=others,
            warn_independent_sampling=False,
            source_trials=sources if len(sources) >= _FEWEST_SOURCES else None,
        )
        self._numbers = dict(numbers)
        self._results: Sequence[FrozenTrial] = ()

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """The search space as it was told."""
        return self._numbers

    def _restore_optimizer(self, completed_trials: list[FrozenTrial]) -> None:
        self._results = completed_trials

    def _init_optimizer(self, trans: Any, direction: Any) -> Any:
        optimizer = super()._init_optimizer(trans, direction)
        while True:
            told = self._get_solution_trials(list(self._results), optimizer.generation)
            if len(told) < optimizer.population_size:
                return optimizer
            told = told[: optimizer.population_size]
            optimizer.tell([(trans.transform(trial.params), trial.value) for trial in told])


def _only(numbers: Mapping[str, BaseDistribution], trial: FrozenTrial) -> FrozenTrial:
    """A trial with some of its parameters."""
    return create_trial(
        value=trial.value,
        params={name: trial.params[name] for name in numbers},
        distributions=dict(numbers),
    )
