from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.architecture import Architecture, cost, costs, layers
from dse.architecture.catalog import CATALOG
from dse.errors import UserError
from tests.architectures import architectures


@pytest.mark.parametrize(
    ("name", "flops", "params"),
    [  # counted from plain PyTorch builds, and the published parameter counts
        ("resnet18", 1_814_073_344, 11_689_512),
        ("resnet34", 3_663_761_408, 21_797_672),
        ("resnet50", 4_089_184_256, 25_557_032),
        ("resnet101", 7_801_405_440, 44_549_160),
        ("resnet152", 11_513_626_624, 60_192_808),
        ("resnext50_32x4d", 4_230_479_872, 25_028_904),
        ("resnext101_32x8d", 16_414_015_488, 88_791_336),
        ("convnext_tiny", 4_455_531_264, 28_589_128),
        ("convnext_small", 8_683_712_256, 50_223_688),
        ("convnext_base", 15_354_729_472, 88_591_464),
        ("convnext_large", 34_361_433_600, 197_767_336),
        ("convnextv2_atto", 547_332_480, 3_708_400),
        ("convnextv2_tiny", 4_455_531_264, 28_635_496),
    ],
)
def test_published_networks_cost_what_is_known_to_the_last_digit(
    name: str, flops: int, params: int
) -> None:
    found = cost(CATALOG[name])
    assert (found.flops, found.params) == (flops, params)


@given(architectures(), st.integers(0, 2**32 - 1), st.booleans())
def test_many_networks_at_once_cost_the_same_as_each_alone(
    a: Architecture, seed: int, per_stage: bool
) -> None:
    kernel_sizes = tuple(k if isinstance(k, int) else k[0] for k in a.kernel_sizes)
    a = dataclasses.replace(a, kernel_sizes=kernel_sizes, stem_width=None)
    rng = np.random.default_rng(seed)
    dims = rng.integers(1, 4, (5, a.stages)) * 8
    depths = rng.integers(1, 5, (5, a.stages))
    kernels = rng.choice([1, 3, 5], (5, a.stages))
    ratios = rng.choice([0.25, 1.0, 2.0], (5, a.stages) if per_stage else 5)
    together = costs(
        a, dims=dims, depths=depths, kernel_sizes=kernels, expansion_ratio=ratios, resolution=64
    )
    for n in range(5):
        alone = dataclasses.replace(
            a,
            dims=tuple(dims[n].tolist()),
            depths=tuple(depths[n].tolist()),
            kernel_sizes=tuple(kernels[n].tolist()),
            expansion_ratio=tuple(ratios[n]) if per_stage else float(ratios[n]),
        )
        found = cost(alone, resolution=64)
        assert found.flops == together.flops[n]
        assert found.params == together.params[n]
        assert found.activations == together.activations[n]


def test_many_networks_at_once_have_the_templates_ratios_where_none_are_given() -> None:
    a = Architecture(expansion_ratio=(4, 3, 2, 1))
    together = costs(a, dims=np.array([a.dims, (8, 16, 32, 64)]))
    assert together.flops[0] == cost(a).flops < cost(Architecture()).flops


def test_a_stage_has_the_hidden_width_of_its_own_ratio() -> None:
    hidden = [
        layer.op.out_channels
        for layer in layers(Architecture(expansion_ratio=(4, 0.5, 2, 0.33)))
        if layer.name.endswith(".expand")
    ]
    assert hidden == [384, 96, 768, 253]


@given(architectures())
def test_a_wider_or_deeper_network_never_costs_less(a: Architecture) -> None:
    kernel = a.kernels(a.stages - 1)[0]
    a = dataclasses.replace(a, kernel_sizes=(*a.kernel_sizes[:-1], kernel))
    wider = dataclasses.replace(a, dims=(*a.dims[:-1], a.dims[-1] + 8))
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
        "stages.0.blocks.spatial_norm",
        "stages.0.blocks.expand",
        "stages.0.blocks.expand_act",
        "stages.0.blocks.contract",
        "stages.0.blocks.scale",
        "head.norm",
        "head.fc",
    ]


def test_an_input_too_small_for_the_stages_is_refused() -> None:
    six = Architecture(depths=(1,) * 6, dims=(8,) * 6, kernel_sizes=(3,) * 6)
    with pytest.raises(UserError, match="too small for 6 stages"):
        cost(six, resolution=64)
    assert cost(dataclasses.replace(six, downsampling="in_block"), resolution=64).flops > 0
