from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pytest

from dse.analysis.order.game import game_of
from dse.analysis.order.interactions import interactions
from dse.analysis.order.plan import plan
from dse.analysis.order.walk import Walk, draw_orders

FREE = Walk(steps=tuple("abcd"))


def full_game(walk: Walk, values: np.ndarray):
    sets = np.flatnonzero(walk.valid)
    return game_of(walk, sets, values[sets])


def by_definition(values: np.ndarray, k: int, i: int, j: int) -> float:
    """Grabisch & Roubens 1999, as they print it."""
    total = 0.0
    a, b = 1 << i, 1 << j
    for s in range(2**k):
        if s & (a | b):
            continue
        size = bin(s).count("1")
        weight = factorial(k - size - 2) * factorial(size) / factorial(k - 1)
        total += weight * (values[s | a | b] - values[s | a] - values[s | b] + values[s])
    return total


def test_without_orders_the_index_is_that_of_the_definition():
    values = np.random.default_rng(0).random(16)
    found = interactions(full_game(FREE, values))
    expected = [by_definition(values, 4, i, j) for i, j in combinations(range(4), 2)]
    assert [pair.index.value for pair in found if pair.index] == pytest.approx(expected)
    assert found[0].steps == ("a", "b")


def test_drawn_orders_come_close_to_it_within_their_error():
    values = np.random.default_rng(0).random(16)
    found = interactions(full_game(FREE, values), draw_orders(FREE, 4000))
    for (i, j), pair in zip(combinations(range(4), 2), found, strict=True):
        assert pair.index is not None
        assert pair.index.n < 2000
        half = pair.index.upper - pair.index.lower
        assert half < 0.1
        assert abs(pair.index.value - by_definition(values, 4, i, j)) < half


def test_steps_that_add_up_do_not_interact_and_a_product_does():
    bits = np.arange(16)[:, None] >> np.arange(4) & 1
    values = bits @ np.array([1.0, 2, 3, 4]) - 0.5 * bits[:, 0] * bits[:, 2]
    found = {pair.steps: pair.index for pair in interactions(full_game(FREE, values))}
    ac = found.pop(("a", "c"))
    assert ac is not None
    assert ac.value == pytest.approx(-0.5)
    assert all(index and abs(index.value) < 1e-12 for index in found.values())


def test_a_step_that_needs_another_has_no_interaction_with_it():
    walk = Walk(steps=tuple("abc"), needs={"c": frozenset("a")})
    found = {p.steps: p.index for p in interactions(full_game(walk, np.arange(8.0)))}
    assert found["a", "c"] is None
    assert found["a", "b"] is not None


def test_orders_whose_swapped_networks_were_not_trained_are_refused():
    design = plan(FREE, 2)
    few = game_of(FREE, np.array(design.sets), np.random.default_rng(0).random(len(design.sets)))
    with pytest.raises(AssertionError, match="swapped networks"):
        interactions(few, design.orders)


def test_the_planned_networks_suffice_and_intervals_cover():
    truth = np.random.default_rng(0).random(16)
    rng = np.random.default_rng(1)
    held = []
    for seed in range(300):
        design = plan(FREE, 60, interactions=True, seed=seed)
        sets = np.repeat(design.sets, 2)
        noisy = game_of(FREE, sets, truth[sets] + rng.normal(0, 0.1, len(sets)))
        for (i, j), pair in zip(
            combinations(range(4), 2), interactions(noisy, design.orders), strict=True
        ):
            assert pair.index is not None
            held.append(pair.index.lower <= by_definition(truth, 4, i, j) <= pair.index.upper)
    assert 0.93 < np.mean(held) < 0.97
