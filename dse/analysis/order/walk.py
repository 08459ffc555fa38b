"""The steps of a walk, which may come before which, and orders drawn from all that are possible.

A set of steps is a number here, bit i for step i: `means[0]` is the network without any step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dse.analysis.estimate import FloatArray

IntArray = NDArray[np.int64]
MAX_STEPS = 16  # 65,536 sets


@dataclass(frozen=True, kw_only=True)
class Walk:
    """Steps from one network to another, in the order of the paper.

    `needs` names the steps that must be applied before a step can be; a step that is not in it
    needs none.
    """

    steps: tuple[str, ...]
    needs: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert 1 <= len(self.steps) <= MAX_STEPS, "a walk has 1 to 16 steps"
        assert len(set(self.steps)) == len(self.steps), "steps have different names"
        for place, step in enumerate(self.steps):
            before = set(self.steps[:place])
            assert self.needs.get(step, frozenset()) <= before, f"{step} comes before its needs"

    @property
    def full(self) -> int:
        """All steps, as a number."""
        return (1 << len(self.steps)) - 1

    @cached_property
    def valid(self) -> NDArray[np.bool_]:
        """Which sets hold all that their steps need (2^k,)."""
        sets = np.arange(self.full + 1)
        allowed = np.ones(len(sets), dtype=np.bool_)
        for place, step in enumerate(self.steps):
            needed = self.number(self.needs.get(step, frozenset()))
            allowed &= (sets >> place & 1 == 0) | (sets & needed == needed)
        return allowed

    @cached_property
    def ways(self) -> tuple[FloatArray, FloatArray]:
        """In how many orders each set can be reached, and completed from there (2^k,), exactly."""
        sets = np.arange(self.full + 1)
        bits = 1 << np.arange(len(self.steps))
        layers = [sets[np.bitwise_count(sets) == size] for size in range(len(bits))]
        before, after = np.zeros((2, len(sets)))
        before[0] = after[self.full] = 1
        for layer in layers:
            for bit in bits:
                here = layer[layer & bit == 0]
                before[here | bit] += before[here] * self.valid[here | bit]
        for layer in reversed(layers):
            for bit in bits:
                here = layer[layer & bit == 0]
                after[here] += after[here | bit] * self.valid[here]
        return before, after

    @property
    def orders(self) -> int:
        """How many orders of the steps are possible."""
        return int(self.ways[1][0])

    def number(self, steps: frozenset[str]) -> int:
        """A set of steps as a number."""
        return sum(1 << self.steps.index(step) for step in steps)

    def named(self, number: int) -> tuple[str, ...]:
        """The steps of a set, in the order of the paper."""
        return tuple(step for place, step in enumerate(self.steps) if number >> place & 1)

    @cached_property
    def chains(self) -> tuple[tuple[int, ...], ...] | None:
        """The steps as chains that need nothing of each other, or None where they are not such."""
        above = {place: self._all_needs(place) for place in range(len(self.steps))}
        groups: dict[frozenset[int], list[int]] = {}
        for place in above:
            group = {other for other in above if place in above[other] or other in above[place]}
            groups.setdefault(frozenset(group | {place}), []).append(place)
        whole = all(set(members) == set(group) for group, members in groups.items())
        return tuple(tuple(sorted(group)) for group in groups) if whole else None

    def _all_needs(self, place: int) -> set[int]:
        direct = {self.steps.index(step) for step in self.needs.get(self.steps[place], ())}
        return direct.union(*(self._all_needs(other) for other in direct))


def draw_orders(walk: Walk, n: int, *, seed: int = 0) -> IntArray:
    """About `n` orders of the places of steps (units, copies, k), each possible one equally likely.

    Units are independent. A unit is an order and its reverse (antithetic, as in Mitchell et al.
    2022), of which the pairwise interactions cancel. Where steps need others, every chain of
    them is put in order again, which maps the possible orders onto themselves one to one; where the
    needs are more than chains, a unit is one order. An odd n becomes the next even one then.
    """
    chains = walk.chains
    rng = np.random.default_rng(seed)
    one = _uniform(walk, n if chains is None else -(-n // 2), rng)
    if chains is None:
        return one[:, None, :]
    other = one[:, ::-1].copy()
    for chain in chains:
        if len(chain) > 1:
            other[np.isin(other, chain)] = np.tile(chain, len(other))
    return np.stack([one, other], axis=1)


def all_orders(walk: Walk) -> IntArray:
    """Every possible order (orders, k) of the places of steps, for walks of few steps."""
    orders: list[list[int]] = [[]]
    for _ in walk.steps:
        orders = [
            [*order, place]
            for order in orders
            for place in range(len(walk.steps))
            if place not in order and walk.valid[sum(1 << done for done in (*order, place))]
        ]
    return np.array(orders)


def sets_along(orders: IntArray) -> IntArray:
    """The sets (..., k + 1) that orders (..., k) go through, from none to all."""
    passed = np.cumsum(1 << orders, axis=-1)
    return np.concatenate([np.zeros_like(passed[..., :1]), passed], axis=-1)


def _uniform(walk: Walk, n: int, rng: np.random.Generator) -> IntArray:
    """Orders (n, k): the next step in proportion to the ways in which one can go on after it."""
    after = walk.ways[1]
    bits = 1 << np.arange(len(walk.steps))
    done = np.zeros(n, dtype=np.int64)
    orders = np.empty((n, len(bits)), dtype=np.int64)
    for place in range(len(bits)):
        free = done[:, None] & bits == 0
        ways = np.where(free, (after * walk.valid)[done[:, None] | bits], 0).cumsum(axis=1)
        aim = rng.random(n) * ways[:, -1]
        orders[:, place] = (ways <= aim[:, None]).sum(axis=1)
        done |= bits[orders[:, place]]
    return orders
