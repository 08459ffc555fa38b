"""The complete space's layers as steps: each of the 8 changes its choice, all 256 sets are trained.

n orders are drawn. Every set that they pass is trained with two seeds, drawn with replacement from
its three; the truth is the exact value over the mean of all three. Two walks (identity to either
kernel) and 8 steps, one of them drawn for each resample.
"""

from __future__ import annotations

from functools import partial
from itertools import combinations

import numpy as np

from coverage_cases.case import Case, FloatArray, Sample, Space
from dse.analysis.order.game import Game, game_of
from dse.analysis.order.interactions import interactions
from dse.analysis.order.plan import Plan, plan
from dse.analysis.order.shapley import contributions, order_share
from dse.analysis.order.walk import Walk

STEPS = tuple(f"layer {layer + 1}" for layer in range(8))
FREE = Walk(steps=STEPS)
CHAINED = Walk(steps=STEPS, needs={STEPS[5]: frozenset({STEPS[2]})})
CHOICES = (1, 2)
PAIRS = tuple(combinations(range(8), 2))


def errors_of(space: Space, choice: int) -> FloatArray:
    """Errors (256, 3) of the networks whose layers in the set have `choice`, the others 0."""
    bits = np.arange(256)[:, None] >> np.arange(8) & 1
    rows = (choice * bits) @ 3 ** np.arange(7, -1, -1)
    return np.asarray(space.errors[rows])


def whole(walk: Walk, space: Space, choice: int) -> Game:
    """The true game: means over all seeds."""
    sets = np.flatnonzero(walk.valid)
    return game_of(walk, sets, errors_of(space, choice)[sets].mean(axis=1))


def measured(design: Plan, sample: Sample, choice: int) -> Game:
    """The planned networks, each with two of the space's seeds."""
    sets = np.repeat(design.sets, 2)
    seeds = sample.rng.integers(3, size=len(sets))
    return game_of(design.walk, sets, errors_of(sample.space, choice)[sets, seeds])


def true_values(walk: Walk, space: Space) -> list[list[float]]:
    """Exact Shapley values of both walks."""
    return [
        [step.shapley.value for step in contributions(whole(walk, space, choice))]
        for choice in CHOICES
    ]


def shapley_covers(walk: Walk, sample: Sample, truth: list[list[float]]) -> bool:
    """One step of one walk."""
    choice, step = int(sample.rng.integers(2)), int(sample.rng.integers(8))
    design = plan(walk, len(sample.rows), seed=int(sample.rng.integers(2**31)))
    game = measured(design, sample, CHOICES[choice])
    found = contributions(game, design.orders)[step].shapley
    return found.lower <= truth[choice][step] <= found.upper


def counted_covers(sample: Sample, truth: list[list[float]]) -> bool:
    """One step of one walk, all of whose 256 networks are trained, so that no order is drawn."""
    choice, step = int(sample.rng.integers(2)), int(sample.rng.integers(8))
    design = Plan(walk=FREE, orders=np.arange(8)[None, None], sets=tuple(range(256)))
    found = contributions(measured(design, sample, CHOICES[choice]))[step].shapley
    return found.lower <= truth[choice][step] <= found.upper


def true_interactions(space: Space) -> list[list[float]]:
    """Exact interaction indices of both walks."""
    return [
        [pair.index.value for pair in interactions(whole(FREE, space, choice)) if pair.index]
        for choice in CHOICES
    ]


def interaction_covers(sample: Sample, truth: list[list[float]]) -> bool:
    """One pair of one walk."""
    choice, pair = int(sample.rng.integers(2)), int(sample.rng.integers(len(PAIRS)))
    seed = int(sample.rng.integers(2**31))
    design = plan(FREE, len(sample.rows), interactions=True, seed=seed)
    found = interactions(measured(design, sample, CHOICES[choice]), design.orders)[pair].index
    return found is not None and found.lower <= truth[choice][pair] <= found.upper


def true_shares(space: Space) -> list[float]:
    """The exact share of the order in both walks."""
    shares = []
    for choice in CHOICES:
        steps = contributions(whole(FREE, space, choice))
        within = np.mean([step.order_std**2 for step in steps])
        shares.append(float(within / (within + np.var([s.shapley.value for s in steps], ddof=1))))
    return shares


def share_covers(sample: Sample, truth: list[float]) -> bool:
    """The share of the order in one walk."""
    choice = int(sample.rng.integers(2))
    design = plan(FREE, len(sample.rows), seed=int(sample.rng.integers(2**31)))
    found = order_share(measured(design, sample, CHOICES[choice]), design.orders)
    return found is not None and found.lower <= truth[choice] <= found.upper


CASES = (
    Case(
        name="Shapley value over n orders",
        kind="interval",
        truth=partial(true_values, FREE),
        covers=partial(shapley_covers, FREE),
    ),
    Case(
        name="Shapley value over n orders, a step needs another",
        kind="interval",
        truth=partial(true_values, CHAINED),
        covers=partial(shapley_covers, CHAINED),
    ),
    Case(
        name="Shapley value, all sets trained",
        kind="interval",
        truth=partial(true_values, FREE),
        covers=counted_covers,
        sizes=(256,),
    ),
    Case(
        name="share of the order among n orders",
        kind="interval",
        truth=true_shares,
        covers=share_covers,
    ),
    Case(
        name="Shapley interaction of two steps over n orders",
        kind="interval",
        truth=true_interactions,
        covers=interaction_covers,
        sizes=(100, 500),  # of 50 orders too few have two given steps beside each other
    ),
)
