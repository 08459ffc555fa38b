from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.architecture import Architecture, cost, layers
from dse.architecture.catalog import CATALOG
from dse.architecture.cost import flops_of_widths
from dse.errors import UserError
from tests.architectures import architectures


@pytest.mark.parametrize(
    ("name", "flops", "params"),
    [  # Liu et al. 2022, table 1; multiply-adds counted from the authors' description
        ("convnext_tiny", 4_455_531_264, 28_589_128),
        ("convnext_small", 8_683_712_256, 50_223_688),
        ("convnext_base", 15_354_729_472, 88_591_464),
        ("convnext_large", 34_361_433_600, 197_767_336),
    ],
)
def test_published_networks_cost_what_is_known_to_the_last_digit(
    name: str, flops: int, params: int
) -> None:
    found = cost(CATALOG[name])
    assert (found.flops, found.params) == (flops, params)


@given(architectures(), st.integers(32, 96))
def test_arrays_of_widths_cost_the_same_as_each_width_alone(a: Architecture, size: int) -> None:
    alternatives = np.array([a.dims, [d + 1 for d in a.dims], [2 * d for d in a.dims]])
    together = flops_of_widths(a, list(alternatives.T), resolution=size)
    alone = [
        cost(dataclasses.replace(a, dims=tuple(map(int, dims))), resolution=size).flops
        for dims in alternatives
    ]
    assert together.tolist() == alone


@given(architectures())
def test_a_wider_or_deeper_network_never_costs_less(a: Architecture) -> None:
    wider = dataclasses.replace(a, dims=(*a.dims[:-1], a.dims[-1] + 1))
    deeper = dataclasses.replace(a, depths=(*a.depths[:-1], a.depths[-1] + 1))
    base = cost(a, resolution=64)
    for other in (wider, deeper):
        more = cost(other, resolution=64)
        assert more.flops > base.flops
        assert more.params > base.params


def test_layers_are_named_after_their_place() -> None:
    names = [
        layer.name for layer in layers(Architecture(depths=(2,), dims=(8,), kernel_sizes=(7,)))
    ]
    assert names == [
        "stem.conv",
        "stem.norm",
        "stages.0.blocks.spatial",
        "stages.0.blocks.spatial.norm",
        "stages.0.blocks.expand",
        "stages.0.blocks.contract",
        "stages.0.blocks.scale",
        "head.norm",
        "head.fc",
    ]


def test_an_input_too_small_for_the_stages_is_refused() -> None:
    six = Architecture(depths=(1,) * 6, dims=(8,) * 6, kernel_sizes=(3,) * 6)
    with pytest.raises(UserError, match="64 pixels is too small for 6 stages"):
        cost(six, resolution=64)
    assert cost(dataclasses.replace(six, downsampling="in_block"), resolution=64).flops > 0
