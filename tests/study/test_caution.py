from __future__ import annotations

import dataclasses

import torch
from torch import nn

from dse.architecture import Architecture
from dse.study.caution import duplicate_caution, kernel_caution, sampling_caution


def test_kernels_that_reach_beyond_their_maps_are_told_with_stage_and_limit() -> None:
    sentence = kernel_caution([Architecture()], 32)
    assert sentence is not None
    assert "stages 3 and 4 have only 2 and 1 pixels a side" in sentence
    assert "kernels beyond 3 and 1" in sentence


def test_nothing_is_told_where_the_proxy_sees_all_kernels() -> None:
    assert kernel_caution([Architecture()], 224) is None
    assert kernel_caution([Architecture(kernel_sizes=(3, 3, 3, 1))], 32) is None


def test_strided_blocks_see_the_larger_map_before_them() -> None:
    one = Architecture(kernel_sizes=(3, 3, 3, 3), depths=(1, 1, 1, 1), downsampling="in_block")
    assert kernel_caution([one], 32) is None
    two = dataclasses.replace(one, depths=(1, 1, 1, 2))
    assert "stage 4 have only 1" in str(kernel_caution([two], 32))


def test_the_outer_weights_of_such_a_kernel_get_no_gradient() -> None:
    conv = nn.Conv2d(1, 1, 7, padding=3)
    conv(torch.randn(8, 1, 2, 2)).square().sum().backward()
    assert conv.weight.grad is not None
    seen = conv.weight.grad[0, 0] != 0
    assert seen.sum() == 3 * 3
    assert seen[2:5, 2:5].all()


def test_independent_draws_need_no_caution() -> None:
    sampling = {"population": "solved", "design": "independent", "stratify": []}
    assert sampling_caution({"sampling": sampling}) is None
    assert sampling_caution({}) is None  # a store of the first version


def test_networks_that_are_not_drawn_independently_are_told() -> None:
    sampling = {"population": "conditioned", "design": "independent", "stratify": ["stem"]}
    told = sampling_caution({"sampling": sampling})
    assert told is not None
    assert "conditioned on the window" in told
    assert "(independent, stratified by stem)" in told
    spread = sampling_caution({"sampling": {"design": "sobol"}})
    assert spread is not None
    assert "(sobol), not independently" in spread


def test_equal_networks_are_counted() -> None:
    networks = [Architecture().to_dict(), {"depths": [1]}, Architecture().to_dict()]
    told = duplicate_caution(networks)
    assert told is not None
    assert told.startswith("1 of the 3 networks equal an earlier one")
    assert duplicate_caution(networks[:2]) is None
