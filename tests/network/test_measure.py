from __future__ import annotations

import pytest
import torch

from dse.architecture import Architecture
from dse.network.build import build
from dse.network.measure import measure

SMALL = Architecture(depths=(1, 1), dims=(8, 16), kernel_sizes=(3, 3))
CPU = torch.device("cpu")


def test_memory_is_the_weights_and_the_largest_maps_alive() -> None:
    weights = 4 * sum(p.numel() for p in build(SMALL).parameters())
    found = measure(SMALL, resolution=32, device=CPU, repeats=1)
    image, maps = 4 * 3 * 32 * 32, 4 * 8 * 8 * 8
    # at the widest point: input, hidden maps before and after the activation, shortcut
    assert weights + image + 4 * maps <= found["memory"] <= weights + image + 12 * maps


def test_a_deeper_network_takes_longer_and_not_much_more_memory() -> None:
    deep = Architecture(depths=(12, 12), dims=(8, 16), kernel_sizes=(3, 3))
    small, large = (measure(a, resolution=64, device=CPU, repeats=7) for a in (SMALL, deep))
    assert large["latency"] > 2 * small["latency"] > 0
    more = 4 * sum(p.numel() for p in build(deep).parameters()) - 4 * sum(
        p.numel() for p in build(SMALL).parameters()
    )
    assert large["memory"] - small["memory"] == pytest.approx(more, abs=20_000)
