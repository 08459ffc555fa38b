from __future__ import annotations

from hypothesis import given

from dse.architecture import Architecture, cost
from dse.architecture.traffic import traffic
from tests.architectures import architectures


def test_the_stem_of_convnext_tiny_by_hand() -> None:
    stem = traffic(Architecture(), batch=8, element_bytes=2)[0]
    maps = 3 * 224 * 224 + 96 * 56 * 56
    assert stem.name == "stem.conv"
    assert stem.bytes == 2 * (8 * maps + 4 * 4 * 3 * 96 + 96)
    assert stem.flops == 8 * 56 * 56 * 4 * 4 * 3 * 96


def test_depthwise_convolutions_compute_little_with_a_byte() -> None:
    rows = {row.name: row for row in traffic(Architecture(), batch=64)}
    depthwise = rows["stages.2.blocks.spatial"]
    assert (depthwise.kind, depthwise.repeat) == ("depthwise", 9)
    # each of the two maps' elements takes part in 49 products for the two times two bytes moved
    assert 12 < depthwise.intensity < 49 / 4
    assert rows["stages.2.blocks.expand"].intensity > 10 * depthwise.intensity
    assert rows["stages.2.blocks.expand_act"].intensity == 0


@given(architectures())
def test_the_layers_add_up_to_the_cost(a: Architecture) -> None:
    assert sum(row.flops for row in traffic(a, resolution=64)) == cost(a, resolution=64).flops
