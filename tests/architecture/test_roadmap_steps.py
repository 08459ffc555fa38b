from __future__ import annotations

from itertools import combinations

import pytest

from dse.analysis.order.walk import Walk
from dse.architecture import cost
from dse.architecture.catalog import CATALOG
from dse.architecture.roadmap import FROM_RESNET50, FROM_RESNET200
from dse.architecture.roadmap_steps import (
    NEEDS,
    NUMBERS,
    RESNET50,
    RESNET200,
    STEPS,
    network,
)


@pytest.mark.parametrize(
    ("start", "walk"), [(RESNET50, FROM_RESNET50), (RESNET200, FROM_RESNET200)]
)
def test_taken_in_the_papers_order_the_steps_are_the_walk(start, walk):
    assert network(start, frozenset()).hash == walk[0].architecture.hash
    for taken, number in enumerate(NUMBERS, start=1):
        found = network(start, frozenset(STEPS[:taken]))
        assert found.hash == walk[number].architecture.hash, STEPS[taken - 1]


def test_all_steps_are_convnext():
    assert network(RESNET50, frozenset(STEPS)).hash == CATALOG["convnext_tiny"].hash


def test_every_set_that_the_needs_allow_is_a_network_of_its_own():
    walk = Walk(steps=STEPS, needs=NEEDS)
    sets = [number for number in range(walk.full + 1) if walk.valid[number]]
    hashes = {network(RESNET50, frozenset(walk.named(number))).hash for number in sets}
    assert len(hashes) == len(sets) == 6144


@pytest.mark.parametrize("left_out", [(), *combinations(range(len(STEPS)), 1)])
def test_a_network_without_one_step_can_be_counted(left_out):
    applied = frozenset(step for place, step in enumerate(STEPS) if place not in left_out)
    if "kernel size 5" not in applied:
        applied -= {"kernel size 7"}
    assert cost(network(RESNET50, applied)).flops > 1e9


def test_a_step_without_what_it_needs_is_refused():
    with pytest.raises(AssertionError, match="lacks another"):
        network(RESNET50, frozenset({"kernel size 7"}))
