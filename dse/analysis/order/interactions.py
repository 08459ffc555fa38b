"""Which pairs of steps make the order matter."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from dse.analysis.estimate import Estimate, FloatArray
from dse.analysis.intervals import t_interval
from dse.analysis.order.game import Game
from dse.analysis.order.plan import swapped_sets
from dse.analysis.order.shapley import interval
from dse.analysis.order.walk import IntArray, sets_along

LEAST_UNITS = 10


@dataclass(frozen=True, kw_only=True)
class Interaction:
    """How much more the error changes by two steps together than by each on its own.

    Negative: they help each other. `index` is in error fractions; its n counts the independent
    units of orders in which the steps were neighbours, and its bounds are infinite below
    `LEAST_UNITS` of them (over about six an interval covered 92.3 %). None where none was, or one
    step needs the other.
    """

    steps: tuple[str, str]
    index: Estimate | None


def interactions(
    game: Game, orders: IntArray | None = None, confidence: float = 0.95
) -> tuple[Interaction, ...]:
    """The Shapley interaction index of every pair of steps (Grabisch & Roubens 1999).

    I_ij is the mean of v(S + i + j) - v(S + i) - v(S + j) + v(S) over the orders in which i and j
    are neighbours, S the steps before both: without needs its weights s! (k - s - 2)! / (k - 1)!.
    Over drawn `orders` (units, copies, k) with the swapped networks that `plan` names for
    interactions, or without them over all possible orders. Errors as those of `contributions`.
    Intervals are one by one: of many pairs some miss by chance.
    """
    k = len(game.walk.steps)
    drawn = None if orders is None else _neighbours(game, orders)
    pairs = combinations(range(k), 2)
    return tuple(
        Interaction(
            steps=(game.walk.steps[i], game.walk.steps[j]),
            index=_index(game, (i, j), None if drawn is None else drawn[:, i, j], confidence),
        )
        for i, j in pairs
    )


def _neighbours(game: Game, orders: IntArray) -> FloatArray:
    """Second differences (units, k, k) of neighbours i < j, means over copies; NaN of others."""
    units, _, k = orders.shape
    values = game.means[sets_along(orders)]
    others = swapped_sets(orders)
    swapped = game.means[others]
    trained = np.isfinite(swapped[game.walk.valid[others]])
    assert trained.all(), "interactions need the swapped networks: plan(..., interactions=True)"
    twice = values[..., 2:] - values[..., 1:-1] - swapped + values[..., :-2]
    low = np.minimum(orders[..., :-1], orders[..., 1:])
    high = np.maximum(orders[..., :-1], orders[..., 1:])
    unit = np.broadcast_to(np.arange(units)[:, None, None], low.shape)
    found = np.isfinite(twice)
    sums, counts = np.zeros((2, units, k, k))
    where = (unit[found], low[found], high[found])
    np.add.at(sums, where, twice[found])
    np.add.at(counts, where, 1)
    with np.errstate(invalid="ignore"):
        return np.asarray(sums / counts)


def _index(
    game: Game, pair: tuple[int, int], drawn: FloatArray | None, confidence: float
) -> Estimate | None:
    first, second = (1 << place for place in pair)
    sets, share = _contexts(game, first, second)
    if not sets.size:
        return None
    weights = np.zeros(len(game.means))
    for joined, sign in ((0, 1), (first, -1), (second, -1), (first | second, 1)):
        weights[sets | joined] += sign * share
    noise = (game.noise_of(weights), game.degrees)
    if drawn is None:
        used = np.flatnonzero(weights)
        assert np.isfinite(game.means[used]).all(), "without orders, every possible set is trained"
        value = float(np.sum(weights[used] * game.means[used]))
        return interval(value, (0.0, 0), noise, game.walk.orders, confidence)
    values = drawn[np.isfinite(drawn)]
    n = len(values)
    if not n:
        return None
    if n < LEAST_UNITS:
        return t_interval(float(values.mean()), 0.0, 0, n, confidence)
    spread = float(values.var(ddof=1)) / n
    return interval(float(values.mean()), (spread, n - 1), noise, n, confidence)


def _contexts(game: Game, first: int, second: int) -> tuple[IntArray, FloatArray]:
    """The sets after which either of two steps may come, and the share of orders of each."""
    walk = game.walk
    before, after = walk.ways
    sets = np.flatnonzero(walk.valid)
    sets = sets[(sets & (first | second)) == 0]
    sets = sets[walk.valid[sets | first] & walk.valid[sets | second]]
    ways = before[sets] * after[sets | first | second]
    return sets, ways / ways.sum() if sets.size else ways
