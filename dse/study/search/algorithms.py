"""Optuna's samplers by name, set up for generations of networks.

What each does with the choices of a space:

- `tpe` models all parameters that every network has together (multivariate TPE), and those under a
  condition, or in an order that was drawn, one by one.
- `gp` models the same parameters with one Gaussian process; the others are left to TPE, one by one.
- `cmaes` adapts a normal distribution over the numbers that every network has; choices from a list
  and parameters under a condition are left to TPE, one by one.
- `nsga2` crosses and mutates the parameters that every network has; the others are drawn at random.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial

from dse.errors import UserError
from dse.space import DesignSpace
from dse.study.axes import axes
from dse.study.search.covariance import CovarianceSampler
from dse.study.slots import groups

ALGORITHMS: Final = ("tpe", "gp", "cmaes", "nsga2")
STARTUP: Final = 8
"""So many results a model needs; before, networks are drawn at random."""
_SMALLEST_POPULATION: Final = 4
_MUTATED: Final = 2
"""So many parameters of a child NSGA-II draws anew on average: populations here are small."""


def require_algorithm(algorithm: str, space: DesignSpace, objectives: Sequence[str]) -> None:
    """Make sure that an algorithm is installed, and can search a space for these objectives.

    Raises:
        UserError: it is not, or cannot.
    """
    if algorithm not in ALGORITHMS:
        raise UserError(f"--search {algorithm!r}: write {', '.join(ALGORITHMS)}.")
    if algorithm != "cmaes":
        return
    if len(objectives) > 1:
        raise UserError(
            f"--search cmaes: minimises the error alone, not {objectives[1]} beside it; "
            "search with nsga2, tpe or gp."
        )
    if len(numbers(space)) < 2:
        raise UserError(
            f"--search cmaes: needs two parameters that are numbers and under no condition, and "
            f"space {space.name!r} has {len(numbers(space))}; search with tpe, gp or nsga2."
        )
    if importlib.util.find_spec("cmaes") is None:
        raise UserError(
            "--search cmaes: needs the package cmaes: python -m pip install 'dse[search]'."
        )


def make_algorithm(
    algorithm: str,
    space: DesignSpace,
    *,
    seed: int,
    generation: int,
    warm: Sequence[FrozenTrial] = (),
) -> BaseSampler:
    """A fresh sampler of Optuna's.

    Args:
        algorithm: one of `ALGORITHMS`.
        space: what may be built.
        seed: all its choices derive from it and from the trials of its study.
        generation: how many networks are asked for at once. It is the size of a population too,
            since results come in by generation.
        warm: trials from before the search, from which `cmaes` takes its first distribution; the
            others find them in their study.
    """
    population = generation if generation >= _SMALLEST_POPULATION else STARTUP
    tpe = TPESampler(seed=seed, n_startup_trials=STARTUP)
    match algorithm:
        case "tpe":
            return tpe
        case "gp":
            return _OneThreadSampler(seed=seed, n_startup_trials=STARTUP, independent_sampler=tpe)
        case "cmaes":
            return CovarianceSampler(
                numbers(space), seed=seed, population=population, warm=warm, others=tpe
            )
        case _:
            mutation = min(0.5, _MUTATED / max(1, len(axes(space))))
            return NSGAIISampler(seed=seed, population_size=population, mutation_prob=mutation)


def numbers(space: DesignSpace) -> dict[str, BaseDistribution]:
    """The parameters that are numbers and that every network of a space has."""
    unconditional = [
        slot
        for group in groups(space)
        if group.parameter is None or group.parameter.when is None
        for slot in group.free
    ]
    known = axes(space)
    return {
        known[slot].name: known[slot].distribution
        for slot in sorted(unconditional)
        if not isinstance(known[slot].distribution, CategoricalDistribution)
    }


@contextmanager
def quiet() -> Iterator[None]:
    """Within this context Optuna says nothing, nor warns that its interfaces may change."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)


class _OneThreadSampler(GPSampler):
    """Optuna's Gaussian process, in one thread of torch's.

    With more, its threads and those of the linear algebra wait for each other: asking for a network
    then took 6 s instead of 0.8 s on two cores.
    """

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Parameters that the process is fitted for."""
        import torch

        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return super().sample_relative(study, trial, search_space)
        finally:
            torch.set_num_threads(threads)
