"""The next generation of networks: a pure function of what was found before.

Optuna is asked in memory, over a study that is made from the history each time. So a search goes
on from its store alone: nothing depends on how often it was killed, nor on what an Optuna study in
a database says.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import numpy as np
import optuna
from optuna.trial import TrialState, create_trial

from dse.space import Sample
from dse.study.axes import to_params
from dse.study.search.algorithms import make_algorithm, quiet
from dse.study.search.history import History
from dse.study.search.plan import Search
from dse.study.search.records import Asked, Params
from dse.study.slots import slot_values
from dse.study.suggest import suggest

PATIENCE: Final = 100
"""So often a sampler is asked for a network inside the budget; then one is drawn from the space."""
_MARK: Final = ":generation"
"""Ends the names of what `cmaes` and `nsga2` must find again; the rest can be had anew."""


def ask(history: History, generation: int) -> list[Asked]:
    """All networks of a generation, from 0, every one inside the budget.

    Args:
        history: the search, and what was found in the generations before.
        generation: which one.
    """
    search = history.search
    with quiet():
        study = optuna.create_study(
            directions=["minimize"] * len(search.objectives),
            sampler=make_algorithm(
                search.algorithm,
                search.space,
                seed=search.asking_seed(generation),
                generation=search.generation,
                warm=history.warm_trials(),
            ),
        )
        study.add_trials(history.trials())
        first = generation * search.generation
        return [_ask(study, history, first + k) for k in range(search.generation)]


def _ask(study: optuna.Study, history: History, number: int) -> Asked:
    """A network; its trial stays running, so that the next one can be asked for beside it."""
    search = history.search
    refused: list[Params] = []
    for _ in range(PATIENCE):
        trial = study.ask()
        try:
            sample = suggest(trial, search.sampler)
        except optuna.TrialPruned:
            refused.append(trial.params)
            study.tell(trial, state=TrialState.FAIL)
            study.add_trial(history.refused(trial.params))
        else:
            marks = _marks(study, trial.number)
            return _asked(search, number, sample, trial.params, marks, refused)
    sample, params = _draw(search, number)
    marks = _marks(study, trial.number)
    running = create_trial(
        state=TrialState.RUNNING,
        params=params,
        distributions={name: search.distributions[name] for name in params},
        system_attrs=dict(marks),
    )
    study.add_trial(running)
    return _asked(search, number, sample, params, marks, refused)


def _asked(
    search: Search,
    number: int,
    sample: Sample,
    params: Params,
    marks: dict[str, int],
    refused: list[Params],
) -> Asked:
    measured: dict[str, float] = {}
    if search.measured:
        assert search.measure is not None
        everything = search.measure(sample.architecture)
        measured = {name: everything[name] for name in search.measured}
    return Asked(
        number=number,
        architecture=sample.architecture,
        cost=sample.cost,
        params=dict(params),
        measured=measured,
        marks=marks,
        refused=tuple(refused),
    )


def _marks(study: optuna.Study, number: int) -> dict[str, int]:
    attributes = study.get_trials(deepcopy=False)[number].system_attrs
    return {key: value for key, value in attributes.items() if key.endswith(_MARK)}


def _draw(search: Search, number: int) -> tuple[Sample, dict[str, Any]]:
    """A network as a survey draws one, where the sampler insists on what cannot be."""
    sampler = dataclasses.replace(search.sampler, seed=search.drawing_seed(number))
    batch = sampler.batch(np.array([0]))
    values = slot_values(batch.drawer, batch.draft.draws, 0)
    return batch.sample(0), to_params(search.space, values)
