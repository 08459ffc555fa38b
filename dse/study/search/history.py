"""What a search has found so far, as the trials that Optuna's samplers learn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from optuna.trial import FrozenTrial, TrialState, create_trial

from dse.study.search.objectives import WORST_ERROR
from dse.study.search.plan import Search
from dse.study.search.records import Found, Params
from dse.study.suggest import CONSTRAINT

_FIRST_GENERATION: Final = {"NSGAIISampler:generation": 0}


@dataclass(frozen=True, kw_only=True)
class History:
    """Networks with their results, in the order in which a sampler is told of them.

    A training that came to nothing is worse than every other, as in a survey's statistics: it has
    the error 1 and breaks a constraint, and so has what was refused, with the largest costs seen.
    Left out (Optuna's FAIL), samplers would ask for its like again and again. TPE, the Gaussian
    process and NSGA-II use the constraint; CMA-ES has the error alone. Since Optuna takes
    constraints for all trials or for none, the others have one that holds, if there are any.

    A training that was stopped is Optuna's PRUNED to TPE, which ranks such by epoch and error. The
    other samplers would not see it, and are told the error of its last epoch.

    Attributes:
        search: what is looked for.
        warm: trainings of a survey.
        found: those of the search.
    """

    search: Search
    warm: Sequence[Found] = ()
    found: Sequence[Found] = ()

    def trials(self) -> list[FrozenTrial]:
        """All trials, the survey's first; what was refused stands before what came of it."""
        trials = self.warm_trials()
        for found in self.found:
            trials += [self.refused(params) for params in found.asked.refused]
            trials.append(self._trial(found, found.asked.marks))
        return trials

    def warm_trials(self) -> list[FrozenTrial]:
        """The survey's trials, which are NSGA-II's first generation."""
        return [self._trial(found, _FIRST_GENERATION) for found in self.warm]

    def refused(self, params: Params) -> FrozenTrial:
        """Parameters that give no network."""
        return create_trial(
            values=self._worst,
            params=dict(params),
            distributions={name: self.search.distributions[name] for name in params},
            constraints=self._constraints(1.0),
        )

    def _trial(self, found: Found, marks: Mapping[str, int]) -> FrozenTrial:
        asked, told = found.asked, found.told
        is_pruned = told.state == "stopped" and self.search.algorithm == "tpe"
        error = WORST_ERROR if told.ended_badly else told.curve[max(told.curve)]
        costs = [asked.value(name) for name in self.search.objectives[1:]]
        return create_trial(
            state=TrialState.PRUNED if is_pruned else TrialState.COMPLETE,
            values=[error, *costs],
            params=dict(asked.params),
            distributions={name: self.search.distributions[name] for name in asked.params},
            intermediate_values=dict(told.curve) if is_pruned else {},
            system_attrs=dict(marks),
            constraints=self._constraints(float(told.ended_badly)),
        )

    def _constraints(self, value: float) -> dict[str, float] | None:
        return {CONSTRAINT: value} if self._is_constrained else None

    @cached_property
    def _is_constrained(self) -> bool:
        everything = (*self.warm, *self.found)
        return any(each.told.ended_badly or each.asked.refused for each in everything)

    @cached_property
    def _worst(self) -> list[float]:
        everything = (*self.warm, *self.found)
        costs = [
            max((each.asked.value(name) for each in everything), default=0.0)
            for name in self.search.objectives[1:]
        ]
        return [WORST_ERROR, *costs]
