from __future__ import annotations

import dataclasses
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
    applied,
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


@pytest.mark.parametrize("start", [RESNET50, RESNET200])
def test_a_network_tells_the_steps_that_it_has_taken(start):
    walk = Walk(steps=STEPS, needs=NEEDS)
    for number in range(0, walk.full + 1, 7):
        if walk.valid[number]:
            taken = frozenset(walk.named(number))
            assert applied(start, network(start, taken)) == taken


def test_at_other_widths_the_step_of_the_width_is_not_told():
    for steps in (frozenset(), frozenset(STEPS)):
        found = network(RESNET50, steps)
        wider = dataclasses.replace(
            found,
            dims=tuple(2 * dim for dim in found.dims),
            stem_width=None if found.stem_width is None else 2 * found.stem_width,
        )
        assert applied(RESNET50, wider) == steps - {"width"}


def test_layer_scale_and_pointwise_layers_do_not_tell_a_step_at_other_widths():
    found = network(RESNET50, frozenset(STEPS))
    same = dataclasses.replace(
        found, dims=(80, 160, 320, 640), ls_init_value=None, pointwise="conv"
    )
    assert applied(RESNET50, same) == frozenset(STEPS) - {"width"}


@pytest.mark.parametrize(
    "changes",
    [
        {"kernel_sizes": (9, 9, 9, 9)},
        {"grn": True},
        {"depths": (2, 2, 6, 2)},
        {"act_layer": "silu"},
    ],
)
def test_other_networks_are_not_of_the_walk(changes):
    other = dataclasses.replace(network(RESNET50, frozenset(STEPS)), **changes)
    assert applied(RESNET50, other) is None
