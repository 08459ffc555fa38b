"""A search: what is looked for, how, and from which seeds. Nothing here trains or asks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from optuna.distributions import BaseDistribution

from dse.errors import UserError
from dse.proxy.recipe import Proxy
from dse.space import Budget, DesignSpace, Sampler
from dse.space.sampling.budget import MEASURED
from dse.space.sampling.sampler import Measure
from dse.space.sampling.streams import Design
from dse.store.records import StudyRecord, TrialRecord
from dse.study.axes import distributions
from dse.study.plan import DEFAULT_PROXY, DEFAULT_REPEAT, provenance
from dse.study.sampling import sampling, sampling_parts
from dse.study.search.algorithms import require_algorithm
from dse.study.search.objectives import ERROR
from dse.study.search.rungs import PRUNERS

DEFAULT_GENERATION: Final = 8
_ASKING, _TRAINING, _DRAWING = 1, 2, 3
"""Streams of random numbers; those of surveys have no such key, so that none is shared."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """An adaptive search of a space under a budget.

    Attributes:
        sampler: the space, the budget and the study's seed.
        proxy: the reduced task that scores a network.
        proxy_name: what the proxy is called: a preset, or a file without its ending.
        networks: how many are trained, each once.
        algorithm: `tpe`, `gp`, `cmaes` or `nsga2`, the samplers of Optuna's.
        generation: networks that are asked for at once, before any of them is trained. Results
            depend on it, and not on the number of workers.
        objectives: what is minimised; the error first.
        pruner: `none`, `halving` or `hyperband`.
        repeat: share of the networks that is trained with a fresh seed at the end: the best by
            their first error, which is too good because it chose them.
        measure: needed for objectives and limits that are measured.
        warm: which trainings of a survey the search begins with, as `warm.chosen` gives it.
    """

    sampler: Sampler
    proxy: Proxy
    proxy_name: str = DEFAULT_PROXY
    networks: int = 24
    algorithm: str = "tpe"
    generation: int = DEFAULT_GENERATION
    objectives: tuple[str, ...] = (ERROR,)
    pruner: str = "none"
    repeat: float = DEFAULT_REPEAT
    measure: Measure | None = None
    warm: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        require_algorithm(self.algorithm, self.space, self.objectives)
        if self.pruner not in PRUNERS:
            raise UserError(f"--pruner {self.pruner!r}: write {', '.join(PRUNERS)}.")
        if self.pruner != "none" and len(self.objectives) > 1:
            raise UserError(
                f"--pruner {self.pruner}: stops trainings by their error alone; leave it out with "
                f"--objective {self.objectives[1]}."
            )
        if self.sampler.design != Design() or self.sampler.stratify:
            name = "stratify" if self.sampler.stratify else "design"
            raise UserError(f"--{name}: spreads the networks of a survey; a search chooses them.")
        assert self.generation >= 1
        assert self.measure is not None or not self.measured

    @property
    def space(self) -> DesignSpace:
        """What may be built."""
        return self.sampler.space

    @property
    def budget(self) -> Budget:
        """What a network may cost."""
        return self.sampler.budget

    @property
    def measured(self) -> tuple[str, ...]:
        """The objectives that must be measured."""
        return tuple(name for name in self.objectives if name in MEASURED)

    @cached_property
    def distributions(self) -> dict[str, BaseDistribution]:
        """Optuna's parameters of the space."""
        return distributions(self.space)

    @property
    def name(self) -> str:
        """Name of the study: space, budget, algorithm and whatever is not the default."""
        parts = [self.space.name, *sampling_parts(self.sampler)]
        if self.proxy_name != DEFAULT_PROXY:
            parts.append(self.proxy_name)
        parts += [self.algorithm, *self.objectives[1:]]
        if self.generation != DEFAULT_GENERATION:
            parts.append(f"generation{self.generation}")
        if self.pruner != "none":
            parts.append(self.pruner)
        if self.repeat != DEFAULT_REPEAT:
            parts.append(f"repeat{self.repeat * 100:.12g}pct")
        if self.sampler.seed:
            parts.append(f"seed{self.sampler.seed}")
        return "-".join(parts)

    @property
    def finalists(self) -> int:
        """How many networks get a fresh seed at the end."""
        return math.ceil(self.repeat * self.networks - 1e-9)  # 0.07 * 100 is 7.000000000000001

    def record(self) -> StudyRecord:
        """The study as a store keeps it; only `networks` may change between runs."""
        return StudyRecord(
            name=self.name,
            kind="search",
            space_name=self.space.name,
            space_hash=self.space.hash,
            space=self.space.definition(),
            budget=self.budget.to_dict(),
            seed=self.sampler.seed,
            proxy=self.proxy.model_dump(mode="json"),
            design={
                "algorithm": self.algorithm,
                "generation": self.generation,
                "objectives": list(self.objectives),
                "pruner": self.pruner,
                "repeat": self.repeat,
                "sampling": sampling(self.sampler),
                "warm": self.warm,
            },
            provenance=provenance(),
        )

    def asking_seed(self, generation: int) -> int:
        """The seed of Optuna's sampler for a generation."""
        return self._seed(_ASKING, generation)

    def drawing_seed(self, number: int) -> int:
        """The seed of the survey's sampler where Optuna's finds no network `number`."""
        return self._seed(_DRAWING, number)

    def trial(self, number: int, replicate: int, until_epoch: int | None) -> TrialRecord:
        """A training of network `number`; its seed derives from (study seed, number, replicate)."""
        return search_trial(self.sampler.seed, number, replicate, until_epoch)

    def _seed(self, stream: int, *numbers: int) -> int:
        return _derived(self.sampler.seed, stream, *numbers)


def search_trial(
    study_seed: int, number: int, replicate: int, until_epoch: int | None = None
) -> TrialRecord:
    """A training of network `number` of a search, from the seed that is its own."""
    seed = _derived(study_seed, _TRAINING, number, replicate)
    return TrialRecord(index=number, replicate=replicate, seed=seed, until_epoch=until_epoch)


def _derived(study_seed: int, stream: int, *numbers: int) -> int:
    sequence = np.random.SeedSequence([study_seed, *numbers], spawn_key=(stream,))
    return int(sequence.generate_state(1)[0])
