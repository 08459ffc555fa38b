"""Which networks must be trained to say what each step adds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dse.analysis.order.walk import IntArray, Walk, draw_orders, sets_along


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Orders of steps, and the sets of steps whose networks they take, each once.

    `orders` (units, copies, k) as `draw_orders` gives them; `sets` are numbers, in rising size,
    `named` their steps. The walk of the paper, each step alone and all but each are among them.
    """

    walk: Walk
    orders: IntArray
    sets: tuple[int, ...]

    @property
    def named(self) -> tuple[tuple[str, ...], ...]:
        """The steps of each set."""
        return tuple(self.walk.named(number) for number in self.sets)


def plan(walk: Walk, orders: int, *, interactions: bool = False, seed: int = 0) -> Plan:
    """The networks for about `orders` orders of `walk`.

    `interactions`: those too that each order takes with two neighbours swapped, which is what
    pairwise interactions are measured by.
    """
    drawn = draw_orders(walk, orders, seed=seed)
    path = sets_along(np.arange(len(walk.steps)))
    bits = 1 << np.arange(len(walk.steps))
    parts = [sets_along(drawn).ravel(), path, bits, walk.full & ~bits]
    if interactions:
        parts.append(swapped_sets(drawn).ravel())
    sets = np.unique(np.concatenate(parts))
    sets = sets[walk.valid[sets]]
    by_size = sets[np.argsort(np.bitwise_count(sets), kind="stable")]
    return Plan(walk=walk, orders=drawn, sets=tuple(int(number) for number in by_size))


def swapped_sets(orders: IntArray) -> IntArray:
    """The sets (..., k - 1) that orders pass only if two neighbours are swapped."""
    return sets_along(orders)[..., :-2] + (1 << orders[..., 1:])
