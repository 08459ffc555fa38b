"""The survey: which networks a study trains, with which seeds. Nothing here trains."""

from __future__ import annotations

import math
import platform
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

import dse
from dse.architecture import Architecture, Cost
from dse.errors import UserError
from dse.proxy.recipe import Proxy
from dse.space import Budget, DesignSpace, Sampler
from dse.space.language.design_space import differences, space_from_definition
from dse.space.sampling.batch import Sample
from dse.store.records import OUTCOMES, CandidateRecord, StudyRecord, TrialRecord
from dse.store.target import Target
from dse.study.sampling import sampling, sampling_parts
from dse.units import CONVENTION

DEFAULT_PROXY = "embedded"
DEFAULT_REPEAT = 0.25
_VERSIONED = ("torch", "numpy", "scipy", "optuna", "sqlalchemy")


@dataclass(frozen=True, kw_only=True)
class Survey:
    """An unbiased survey of a space under a budget.

    Attributes:
        sampler: draws the networks of a space under a budget from the study's seed.
        proxy: the reduced task that scores a network.
        proxy_name: what the proxy is called: a preset, or a file without its ending.
        models: number of networks.
        repeat: share of the networks that is trained with a second seed, twice over: the first
            `repeat` by index, which is a random sample and measures the seed noise without bias,
            and the best `repeat` by first-seed error, whose first errors are too good by
            selection (the winner's curse).
    """

    sampler: Sampler
    proxy: Proxy
    proxy_name: str = DEFAULT_PROXY
    models: int = 24
    repeat: float = DEFAULT_REPEAT

    @property
    def name(self) -> str:
        """Name of the study and its store: space, budget and whatever is not the default."""
        parts = [self.space.name, *sampling_parts(self.sampler)]
        if self.proxy_name != DEFAULT_PROXY:
            parts.append(self.proxy_name)
        if self.repeat != DEFAULT_REPEAT:
            parts.append(f"repeat{self.repeat * 100:.12g}pct")
        if self.seed:
            parts.append(f"seed{self.seed}")
        return "-".join(parts)

    @property
    def space(self) -> DesignSpace:
        """What may be built."""
        return self.sampler.space

    @property
    def budget(self) -> Budget:
        """What a network may cost."""
        return self.sampler.budget

    @property
    def seed(self) -> int:
        """The study's seed; everything random derives from it."""
        return self.sampler.seed

    @property
    def random_repeats(self) -> int:
        """Networks 0 to this number - 1 get a second seed whatever their error."""
        return random_repeats(self.repeat, self.models)

    def record(self) -> StudyRecord:
        """The study as the store keeps it; only `models` may change between runs."""
        return StudyRecord(
            name=self.name,
            space_name=self.space.name,
            space_hash=self.space.hash,
            space=self.space.definition(),
            budget=self.budget.to_dict(),
            seed=self.seed,
            proxy=self.proxy.model_dump(mode="json"),
            design={"repeat": self.repeat, "sampling": sampling(self.sampler)},
            provenance=provenance(),
        )

    def require_same_space(self, stored: StudyRecord, store: Target) -> None:
        """Make sure that a store's study is of this space; the store itself checks the rest.

        Raises:
            UserError: it is of another; the sentence says what differs and what to do.
        """
        if stored.space_hash == self.space.hash:
            return
        rows = differences(space_from_definition(stored.space), self.space)
        if not rows or "sampling" not in stored.design:
            raise UserError(
                f"{store}: was begun by an earlier version of dse, whose networks this one does "
                "not draw: it can be reported and exported, not continued; choose another --store."
            )
        told = "; ".join(f"{name} is {there} there and {here} here" for name, there, here in rows)
        raise UserError(
            f"{store}: holds a study of another space, {stored.space_name} ({stored.space_hash}), "
            f"not {self.space.name} ({self.space.hash}): {told}; restore the space, or choose "
            "another --store."
        )

    def first_trials(self) -> list[TrialRecord]:
        """Every network with its first seed, and the random subset with a second one."""
        first = [self.trial(index, 0) for index in range(self.models)]
        return first + [self.trial(index, 1) for index in range(self.random_repeats)]

    def best_repeats(self, population: pd.DataFrame) -> list[TrialRecord]:
        """The second seeds of the best networks, once all first seeds are finished.

        They are chosen from the first seeds of networks 0 to `models` - 1 alone, so that the
        choice does not depend on the order in which trainings ended.
        """
        first = population[(population["replicate"] == 0) & (population["index"] < self.models)]
        ranked = first.dropna(subset="error").sort_values(["error", "index"])
        return [self.trial(int(i), 1) for i in ranked["index"].head(self.random_repeats)]

    def unknown_repeats(self, population: pd.DataFrame) -> int:
        """At most how many second seeds of the best networks are still to be named."""
        named = set(population.loc[population["replicate"] == 1, "index"])
        if population.loc[population["replicate"] == 0, "state"].isin(OUTCOMES).all():
            return sum(trial.index not in named for trial in self.best_repeats(population))
        return min(self.random_repeats, self.models - self.random_repeats)

    def trial(self, index: int, replicate: int) -> TrialRecord:
        """A training of network `index`; its seed derives from (study seed, index, replicate)."""
        return survey_trial(self.seed, index, replicate)


def survey_trial(study_seed: int, index: int, replicate: int) -> TrialRecord:
    """A training of network `index` of a survey, from the seed that is its own."""
    entropy = [study_seed, index % 2**32, replicate]  # a reference's number is negative
    words = np.random.SeedSequence(entropy).generate_state(1)
    return TrialRecord(index=index, replicate=replicate, seed=int(words[0]))


def random_repeats(repeat: float, models: int) -> int:
    """How many of `models` networks are repeated at random; as many of the best are, too."""
    return math.ceil(repeat * models - 1e-9)  # 0.07 * 100 is 7.000000000000001


def candidate_record(sample: Sample) -> CandidateRecord:
    """A sampled network as the store keeps it."""
    return CandidateRecord(
        index=sample.index,
        architecture=sample.architecture.to_dict(),
        hash=sample.architecture.hash,
        flops=sample.cost.flops,
        params=sample.cost.params,
        activations=sample.cost.activations,
    )


def stored_samples(population: pd.DataFrame) -> dict[int, Sample]:
    """The networks of a store by number, as they were sampled."""
    first = population[population["replicate"] == 0]
    return {
        int(row["index"]): Sample(
            index=int(row["index"]),
            architecture=Architecture.from_dict(row["architecture"]),
            cost=Cost(**{name: int(row[name]) for name in ("flops", "params", "activations")}),
            refusals=Counter(),
        )
        for row in first.to_dict("records")
    }


def provenance() -> dict[str, Any]:
    """What made a study: code, versions, machine, counting convention."""
    return {
        "dse": dse.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
        "versions": {name: version(name) for name in _VERSIONED},
        "convention": CONVENTION,
    }
