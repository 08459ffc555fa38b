from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from dse.architecture import Architecture, cost, layers
from dse.architecture.catalog import CATALOG
from dse.architecture.regnet import compatible, quantized_widths
from dse.errors import UserError
from dse.network import build
from dse.network.timm_model import import_timm
from dse.network.verify import count

# GFLOPs, millions of parameters and of activations: pycls, MODEL_ZOO.md, as in the paper's tables.
PUBLISHED = {
    "200mf": (0.2, 2.7, 2.2),
    "400mf": (0.4, 5.2, 3.1),
    "600mf": (0.6, 6.2, 4.0),
    "800mf": (0.8, 7.3, 5.1),
    "1.6gf": (1.6, 9.2, 7.9),
    "3.2gf": (3.2, 15.3, 11.4),
    "4.0gf": (4.0, 22.1, 12.2),
    "6.4gf": (6.5, 26.2, 16.4),
    "8.0gf": (8.0, 39.6, 14.1),
    "12gf": (12.1, 46.1, 21.4),
    "16gf": (15.9, 54.3, 25.5),
    "32gf": (31.7, 107.8, 36.3),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_regnetx_costs_what_is_printed(name: str) -> None:
    found = cost(CATALOG[f"regnetx_{name}"])
    printed = tuple(
        round(number, 1)
        for number in (found.flops / 1e9, found.params / 1e6, found.activations / 1e6)
    )
    assert printed == PUBLISHED[name]


def test_every_published_regnetx_is_in_the_catalog() -> None:
    assert [name for name in CATALOG if "regnetx" in name] == [f"regnetx_{n}" for n in PUBLISHED]


@pytest.mark.parametrize("name", ["200mf", "400mf", "8.0gf"])
def test_the_built_regnetx_counts_as_on_paper(name: str) -> None:
    a = CATALOG[f"regnetx_{name}"]
    assert count(build(a)) == cost(a)


@pytest.mark.parametrize(
    ("ours", "theirs", "params"),
    [("200mf", "regnetx_002", 2_684_792), ("400mf", "regnetx_004", 5_157_512)],
)
def test_a_regnetx_and_its_twin_in_timm_have_the_same_logits(
    ours: str, theirs: str, params: int
) -> None:
    twin = import_timm().create_model(theirs)
    network = build(CATALOG[f"regnetx_{ours}"])
    torch.manual_seed(0)
    with torch.no_grad():
        for layer in twin.modules():
            if isinstance(layer, nn.BatchNorm2d):
                nn.init.uniform_(layer.weight, 0.5, 1.5)
                nn.init.normal_(layer.bias, std=0.1)
                nn.init.uniform_(layer.running_mean, -0.1, 0.1)
                nn.init.uniform_(layer.running_var, 0.5, 1.5)
    # Both name a block's branch before its shortcut.
    names, tensors = network.state_dict().keys(), twin.state_dict().values()
    network.load_state_dict(dict(zip(names, tensors, strict=True)))
    assert sum(p.numel() for p in network.parameters()) == params
    images = torch.randn(2, 3, 96, 96)
    with torch.no_grad():
        expected, found = twin.eval()(images), network.eval()(images)
    assert expected.std() > 0.01
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_each_stage_of_a_regnetx_begins_with_a_strided_projected_block() -> None:
    a = CATALOG["regnetx_400mf"]
    strided = [layer.name for layer in layers(a) if layer.op.stride == 2]
    places = ("spatial", "shortcut.conv")
    blocks = [f"stages.{stage}.blocks.0.{place}" for stage in range(4) for place in places]
    assert strided == ["stem.conv", *blocks]


def test_separate_downsampling_precedes_the_first_stage_too() -> None:
    a = Architecture(stem="simple", stem_width=32, dims=(16, 32, 64, 128), depths=(1, 1, 1, 1))
    downsampling = [layer for layer in layers(a) if layer.name.endswith("downsample.conv")]
    assert [math.isqrt(layer.pixels) for layer in downsampling] == [56, 28, 14, 7]
    first = downsampling[0].op
    assert (first.in_channels, first.out_channels) == (32, 16)
    with pytest.raises(UserError, match="separate downsampling and the stem overlap has no layer"):
        dataclasses.replace(a, stem="overlap")


@given(
    st.integers(1, 40).map(lambda n: 8 * n),
    st.floats(0, 256),
    st.floats(1.1, 4),
    st.integers(1, 64),
)
def test_quantised_widths_rise_in_multiples_and_have_all_blocks(
    initial: int, slope: float, multiplier: float, depth: int
) -> None:
    dims, depths = quantized_widths(initial, slope, multiplier, depth)
    assert dims[0] == initial
    assert list(dims) == sorted(set(dims))
    assert all(dim % 8 == 0 for dim in dims)
    assert sum(depths) == depth
    assert len(dims) == len(depths)
    # A width lies within the square root of the multiplier, and rounding, of the line.
    widest = initial + slope * (depth - 1)
    assert widest / multiplier**0.5 - 5 <= dims[-1] <= widest * multiplier**0.5 + 5


def test_neighbouring_widths_that_round_alike_are_one_stage() -> None:
    assert quantized_widths(8, 1, 1.4, 7) == ((8, 16), (6, 1))  # 8, 11.2 and 15.7


@given(
    st.lists(st.integers(1, 512), min_size=1, max_size=4),
    st.sampled_from((0.125, 0.25, 1 / 3, 0.4, 0.5, 0.75, 1.0, 2.0, 4.0)),
    st.integers(1, 128),
)
def test_compatible_widths_make_a_network(
    dims: list[int], expansion_ratio: float, group_width: int
) -> None:
    fitted, groups = compatible(dims, expansion_ratio, group_width)
    Architecture(  # which refuses groups that do not divide a hidden width
        depths=(1,) * len(dims),
        dims=fitted,
        kernel_sizes=(3,) * len(dims),
        expansion_ratio=expansion_ratio,
        block_order="spatial_middle",
        group_width=groups,
    )
    assert all(group <= group_width for group in groups)


def test_widths_that_are_compatible_stay_as_they_are() -> None:
    assert compatible((48, 96, 240), 0.5, 24) == ((48, 96, 240), (24, 24, 24))
    assert compatible((24, 48), 4.0, 16) == ((24, 48), (16, 16))
