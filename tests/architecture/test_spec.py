from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given

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


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"depths": (3, 3)}, "one entry for each stage"),
        ({"depths": ()}, "one entry for each stage"),
        ({"depths": (3, 3, 0, 3)}, "depths must be whole numbers from 1 up, not 0"),
        ({"dims": (96, 192.5, 384, 768)}, "dims must be whole numbers"),
        ({"dims": (True, 1, 1, 1)}, "dims must be whole numbers"),
        ({"kernel_sizes": (7, 7, 6, 7)}, "kernel_sizes must be odd"),
        ({"norm_layer": "ln"}, "norm_layer must be one of layer_norm, batch_norm, not 'ln'"),
        ({"norms_per_block": 4}, "norms_per_block must be 0, 1, 2 or 3"),
        ({"expansion_ratio": 0}, "expansion_ratio must be positive"),
        ({"expansion_ratio": float("nan")}, "expansion_ratio must be positive"),
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
    assert (first.norm_positions, middle.norm_positions) == ((0,), (1,))
    assert first.act_positions == middle.act_positions == (1,)


def test_scaling_keeps_everything_but_the_widths() -> None:
    small = Architecture().scaled(0.25)
    assert small == dataclasses.replace(Architecture(), dims=(24, 48, 96, 192))
    assert Architecture(dims=(1, 1, 1, 1)).scaled(0.01).dims == (1, 1, 1, 1)
