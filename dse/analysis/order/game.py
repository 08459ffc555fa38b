"""The error of the network with each set of steps: a game in the sense of Shapley."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dse.analysis.estimate import Estimate, FloatArray
from dse.analysis.intervals import t_interval
from dse.analysis.order.walk import IntArray, Walk
from dse.analysis.population import capped


@dataclass(frozen=True, kw_only=True)
class Game:
    """What was measured of the sets of a walk's steps.

    `means` (2^k,) are errors [fraction], means over seeds, NaN where the set was not trained;
    `seeds` (2^k,) count these. `seed_variance` is that of one training, pooled over sets with
    `degrees` of freedom; None where no set has two seeds. `bad` trainings ended badly and count as
    networks that guess.
    """

    walk: Walk
    means: FloatArray
    seeds: IntArray
    seed_variance: float | None
    degrees: int
    bad: int

    def noise_of(self, weights: FloatArray) -> float:
        """The variance by seeds of sum_S weights_S means_S (2^k,).

        A set that was not trained counts as having the fewest seeds of those that were. Seeds of
        different sets are taken as independent; 0 where the seed noise is not known.
        """
        fewest = int(self.seeds[self.seeds > 0].min())
        return (self.seed_variance or 0.0) * float(
            np.sum(weights**2 / np.where(self.seeds > 0, self.seeds, fewest))
        )

    def difference(self, more: int, less: int, confidence: float) -> Estimate | None:
        """Error of the set `more` less that of `less`, its interval by seed noise alone.

        None where one was not trained; bounds are infinite where no seed noise is seen.
        """
        value = float(self.means[more] - self.means[less])
        if np.isnan(value):
            return None
        spread = (self.seed_variance or 0.0) * (1 / self.seeds[more] + 1 / self.seeds[less])
        fewest = int(min(self.seeds[more], self.seeds[less]))
        return t_interval(value, float(np.sqrt(spread)), self.degrees, fewest, confidence)


def game(walk: Walk, trained: pd.DataFrame) -> Game:
    """The game of a table with a row a training: a true-or-false column for each step, `outcome`.

    `outcome` is an error [fraction], `inf` where the training ended badly, which counts as a
    network that guesses: `classes` is needed then.
    """
    numbers = np.zeros(len(trained), dtype=np.int64)
    for place, step in enumerate(walk.steps):
        numbers |= trained[step].to_numpy(dtype=np.bool_).astype(np.int64) << place
    errors = trained["outcome"].to_numpy(dtype=np.float64)
    bad = np.isinf(errors)
    if bad.any():
        errors = capped(errors, trained["classes"])
    return game_of(walk, numbers, errors, bad=int(bad.sum()))


def game_of(walk: Walk, numbers: IntArray, errors: FloatArray, *, bad: int = 0) -> Game:
    """The game of trainings (n,): the number of each one's set of steps, and its finite error."""
    assert walk.valid[numbers].all(), "a set lacks what its steps need"
    assert np.isfinite(errors).all(), "a mean needs finite errors"
    size = walk.full + 1
    seeds = np.bincount(numbers, minlength=size)
    sums = np.bincount(numbers, errors, minlength=size)
    with np.errstate(invalid="ignore"):
        means = sums / seeds  # 0 / 0 is NaN: not trained
    degrees = len(numbers) - int((seeds > 0).sum())
    squares = float(((errors - means[numbers]) ** 2).sum())
    return Game(
        walk=walk,
        means=means,
        seeds=seeds,
        seed_variance=squares / degrees if degrees else None,
        degrees=degrees,
        bad=bad,
    )
