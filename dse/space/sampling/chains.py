"""Values of stages that may not fall, or not rise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dse.space.language.priors import Prior


@dataclass(frozen=True)
class Chain:
    """Independent priors, one a stage, conditioned on the order of their values.

    It is drawn exactly, without rejection, from one uniform number a stage: a stage's value has
    probability proportional to its prior's times the probability that the later stages can follow.

    Attributes:
        priors: one for each stage; continua must all be the same.
        falling: the values may not rise; else they may not fall.
    """

    priors: tuple[Prior, ...]
    falling: bool = False

    def quantile(self, uniforms: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values of n networks, shape (n, stages), from uniform numbers of that shape."""
        if self.priors[0].values is None:  # ties have no probability: sorting is conditioning
            drawn = np.sort(self.priors[0].quantile(uniforms), axis=1)
            return np.asarray(drawn[:, ::-1] if self.falling else drawn)
        found = np.empty_like(uniforms)
        least = np.zeros(len(uniforms), dtype=np.int64)
        for stage, cumulative in enumerate(self._cumulative):
            start = cumulative[least]
            target = start + uniforms[:, stage] * (cumulative[-1] - start)
            chosen = np.searchsorted(cumulative, target, side="right") - 1
            least = np.clip(chosen, least, len(self.support) - 1)
            found[:, stage] = self.support[least]
        return found

    def marginals(self) -> NDArray[np.float64]:
        """Probability of each of `support` in each stage, shape (stages, values)."""
        assert self.priors[0].values is not None, "a continuum has no list of values"
        weights = np.diff(np.stack(self._cumulative), axis=1)
        found = np.empty_like(weights)
        found[0] = weights[0] / weights[0].sum()
        for stage in range(1, len(weights)):
            left = np.cumsum(weights[stage][::-1])[::-1]  # weight of all that may follow a value
            from_ = np.divide(found[stage - 1], left, out=np.zeros_like(left), where=left > 0)
            found[stage] = weights[stage] * np.cumsum(from_)
        return found

    @cached_property
    def support(self) -> NDArray[np.float64]:
        """All values of all stages, in the order in which they may follow each other."""
        values = sorted({float(v) for prior in self.priors for v in prior.values or ()})  # type: ignore[arg-type]
        return np.array(values[::-1] if self.falling else values)

    @cached_property
    def _cumulative(self) -> list[NDArray[np.float64]]:
        """For each stage the weight of all values before each of `support`, and of all."""
        follow = np.ones(len(self.support))
        found = []
        for prior in reversed(self.priors):
            weights = self._weights(prior) * follow
            found.append(np.concatenate([[0.0], np.cumsum(weights)]))
            follow = np.cumsum(weights[::-1])[::-1]
        return found[::-1]

    def _weights(self, prior: Prior) -> NDArray[np.float64]:
        probabilities = prior.probabilities
        assert prior.values is not None
        assert probabilities is not None
        weights = dict(zip(prior.values, probabilities.tolist(), strict=True))
        return np.array([weights.get(value, 0.0) for value in self.support.tolist()])
