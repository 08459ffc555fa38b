from __future__ import annotations

from math import factorial

import numpy as np
import pytest

from dse.analysis.order.plan import plan
from dse.analysis.order.walk import Walk, all_orders, draw_orders, sets_along
from dse.architecture.roadmap_steps import NEEDS, STEPS

CHAIN = Walk(steps=tuple("abcde"), needs={"c": frozenset("a"), "e": frozenset("c")})
TREE = Walk(steps=tuple("abcd"), needs={"b": frozenset("a"), "c": frozenset("a")})
FREE = Walk(steps=tuple("abcd"))


@pytest.mark.parametrize("walk", [CHAIN, TREE, FREE])
def test_possible_orders_are_counted_and_enumerated(walk):
    orders = all_orders(walk)
    assert len(orders) == walk.orders == len(np.unique(orders, axis=0))
    for order in orders:
        for place, step in enumerate(order):
            done = {walk.steps[earlier] for earlier in order[:place]}
            assert walk.needs.get(walk.steps[step], frozenset()) <= done


def test_without_needs_all_orders_are_possible():
    assert FREE.orders == factorial(4)
    assert FREE.valid.all()


@pytest.mark.parametrize(("walk", "copies"), [(CHAIN, 2), (TREE, 1), (FREE, 2)])
def test_every_copy_of_drawn_orders_is_uniform_over_the_possible_ones(walk, copies):
    orders = draw_orders(walk, 8000 * copies)
    assert orders.shape == (8000, copies, len(walk.steps))
    for copy in range(copies):
        found, counts = np.unique(orders[:, copy], axis=0, return_counts=True)
        assert found.tolist() == np.unique(all_orders(walk), axis=0).tolist()
        expected = 8000 / walk.orders
        assert np.sum((counts - expected) ** 2 / expected) < walk.orders + 5 * walk.orders**0.5


def test_without_needs_the_other_order_of_a_unit_is_the_reverse():
    orders = draw_orders(FREE, 10)
    assert (orders[:, 0] == orders[:, 1, ::-1]).all()


def test_chains_are_recognised_and_trees_are_none():
    assert CHAIN.chains is not None
    assert sorted(CHAIN.chains) == [(0, 2, 4), (1,), (3,)]
    assert TREE.chains is None


def test_the_papers_order_keeps_the_needs():
    with pytest.raises(AssertionError, match="comes before its needs"):
        Walk(steps=("b", "a"), needs={"b": frozenset("a")})


def test_sets_along_an_order_grow_from_none_to_all():
    assert sets_along(np.array([2, 0, 1])).tolist() == [0, 4, 5, 7]


def test_a_plan_names_each_network_once_and_all_that_are_asked():
    found = plan(CHAIN, 4)
    assert len(found.sets) == len(set(found.sets))
    assert found.named[0] == ()
    assert found.named[-1] == tuple("abcde")
    assert set(sets_along(found.orders).ravel()) <= set(found.sets)
    assert {("a",), ("b",), ("d",), ("a", "b"), tuple("abcd")} <= set(found.named)
    assert ("c",) not in found.named  # cannot exist
    more = plan(CHAIN, 4, interactions=True)
    assert set(found.sets) < set(more.sets)
    assert CHAIN.valid[list(more.sets)].all()


def test_half_of_all_orders_of_the_roadmap_are_possible_and_few_networks_are_needed():
    walk = Walk(steps=STEPS, needs=NEEDS)
    assert walk.orders == factorial(13) // 2
    assert walk.chains is not None
    found = plan(walk, 20)
    assert found.orders.shape == (10, 2, 13)
    assert 150 < len(found.sets) < 20 * 12 + 2 + 3 * 13
