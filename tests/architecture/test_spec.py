from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.architecture import Architecture
from dse.errors import UserError
from tests.architectures import architectures


@given(architectures())
def test_plain_data_round_trips_through_json_with_the_same_hash(a: Architecture) -> None:
    again = Architecture.from_dict(json.loads(json.dumps(a.to_dict())))
    assert again == a
    assert again.hash == a.hash


@given(architectures(), architectures())
def test_hashes_are_equal_exactly_for_equal_networks(a: Architecture, b: Architecture) -> None:
    assert (a.hash == b.hash) == (a == b)


def test_a_whole_number_and_its_float_are_the_same_network() -> None:
    assert Architecture.from_dict({"expansion_ratio": 4}).hash == Architecture().hash
    whole, floats = (
        Architecture.from_dict({"expansion_ratio": ratios})
        for ratios in ([4, 2, 2, 1], [4.0, 2.0, 2.0, 1.0])
    )
    assert whole.hash == floats.hash != Architecture().hash


def test_the_hash_of_a_network_stays_what_it_was_in_stores() -> None:
    assert Architecture().hash == "c6fb45c0bbbb"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"depths": (3, 3)}, "one entry for each stage"),
        ({"depths": ()}, "one entry for each stage"),
        ({"depths": (3, 3, 0, 3)}, "depths must be whole numbers from 1 to 1000, not 0"),
        ({"dims": (96, 192.5, 384, 768)}, "dims must be whole numbers"),
        ({"dims": (True, 1, 1, 1)}, "dims must be whole numbers"),
        ({"kernel_sizes": (7, 7, 6, 7)}, "kernel_sizes must be odd"),
        (
            {"norm_layer": "ln"},
            "norm_layer must be one of layer_norm, batch_norm, rms_norm, not 'ln'",
        ),
        ({"norms_per_block": 4}, "norms_per_block must be from 0 to 3, or a list, not 4"),
        ({"norms_per_block": (3,)}, r"norms_per_block may hold 0, 1, 2, not \[3\]"),
        ({"acts_per_block": ("add", 0)}, "acts_per_block must be in order"),
        ({"acts_per_block": (0, 0)}, "hold no place twice"),
        ({"kernel_sizes": (7, 7, (7, 7), 7)}, "one for each of its 9 blocks, not 2"),
        ({"groups": 7}, "groups 7 does not divide the 96 channels .* in stage 1"),
        ({"groups": 1, "group_width": 1}, "groups or group_width, not both"),
        ({"group_width": (1, 2)}, "group_width must be one number or one a stage, not 2"),
        ({"block_order": "basic"}, "a basic block needs groups"),
        ({"block_order": "basic", "groups": 1, "grn": True}, "no hidden channels for grn"),
        ({"stem_width": 64}, "stem_width 64 differs from the first stage's width 96"),
        (
            {"stem_width": 64, "stem": "overlap"},
            "separate downsampling and the stem overlap has no",
        ),
        ({"stem": "resnet", "patch_size": 8}, "patch_size 8 goes with the stem patch"),
        ({"drop_path_rate": 1.0}, "drop_path_rate must be from 0 to below 1"),
        ({"grn": 1}, "grn must be true or false"),
        ({"head_norm": "no"}, "head_norm must be true, false or null"),
        ({"expansion_ratio": 10**400}, "at most 64"),
        ({"ls_init_value": 10**400}, "must be a number"),
        ({"dims": (10**400,) * 4}, "from 1 to 65536"),
        ({"depths": (1,) * 17, "dims": (8,) * 17, "kernel_sizes": (3,) * 17}, "16 stages"),
        ({"expansion_ratio": 0}, "expansion_ratio must be positive and"),
        ({"expansion_ratio": float("nan")}, "expansion_ratio must be positive and"),
        ({"expansion_ratio": (4, 2)}, "expansion_ratio must be one number or one a stage, not 2"),
        ({"expansion_ratio": ()}, "expansion_ratio must be one number or one a stage, not 0"),
        ({"expansion_ratio": (4, 2, 65, 1)}, "positive and at most 64, not 65"),
        ({"expansion_ratio": (4, 2, 0, 1)}, "positive and at most 64, not 0"),
        ({"expansion_ratio": (4, 2, None, 1)}, "positive and at most 64, not None"),
        ({"expansion_ratio": (4, 2, True, 1)}, "positive and at most 64, not True"),
        (
            {
                "expansion_ratio": (0.5, 0.5, 0.25, 0.5),
                "block_order": "spatial_middle",
                "groups": 48,
                "dims": (96, 192, 96, 384),
            },
            "groups 48 does not divide the 24 channels .* in stage 3",
        ),
        ({"ls_init_value": "small"}, "ls_init_value must be a number or null"),
    ],
)
def test_what_cannot_exist_is_refused_when_the_value_is_made(
    change: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        dataclasses.replace(Architecture(), **change)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [({"depth": [1]}, "unknown architecture key 'depth'"), ({"depths": 3}, "must be a list")],
)
def test_a_description_with_a_mistake_is_refused(data: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        Architecture.from_dict(data)


def test_one_norm_follows_the_spatial_layer_and_one_activation_precedes_the_last() -> None:
    first, middle = (
        Architecture(block_order=order) for order in ("spatial_first", "spatial_middle")
    )
    assert (first.norm_places, middle.norm_places) == ((0,), (1,))
    assert first.act_places == middle.act_places == (1,)


def test_the_same_network_is_the_same_value_however_it_is_spelt() -> None:
    spelt = Architecture(
        kernel_sizes=((7, 7, 7), 7, 7, 7),
        expansion_ratio=(4, 4, 4, 4.0),
        norms_per_block=(0,),
        acts_per_block=(1,),
        stem_width=96,
        stem_act=False,
        head_norm=True,
    )
    assert spelt == Architecture()


def test_scaling_keeps_grouped_convolutions_possible() -> None:
    resnext = Architecture(
        dims=(256, 512, 1024, 2048), expansion_ratio=0.5, block_order="spatial_middle", groups=32
    )
    assert resnext.scaled(0.3).dims == (64, 128, 320, 640)


def test_scaling_fits_each_stage_to_its_own_ratio_and_groups() -> None:
    anynet = Architecture(
        dims=(256, 512, 1024, 2048),
        expansion_ratio=(1.0, 0.5, 0.25, 0.75),
        block_order="spatial_middle",
        group_width=(8, 16, 32, 24),
    )
    assert anynet.scaled(0.3).dims == (80, 160, 256, 608)
    first = dataclasses.replace(anynet, block_order="spatial_first", group_width=(8, 16, 32, 64))
    strided = dataclasses.replace(first, downsampling="in_block")
    assert first.scaled(0.3).dims == (80, 160, 320, 640)
    assert strided.scaled(0.3).dims == (80, 160, 320, 640)


@given(architectures(), st.floats(0.05, 1))
def test_every_network_can_be_scaled(a: Architecture, channels: float) -> None:
    small = dataclasses.replace(a, stem_width=None).scaled(channels)
    assert small.expansion_ratio == a.expansion_ratio
    assert small.group_width == a.group_width


def test_scaling_keeps_everything_but_the_widths() -> None:
    small = Architecture().scaled(0.25)
    assert small == dataclasses.replace(Architecture(), dims=(24, 48, 96, 192))
    assert Architecture(dims=(1, 1, 1, 1)).scaled(0.01).dims == (1, 1, 1, 1)
