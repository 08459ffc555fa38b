from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from dse.architecture import Architecture
from dse.dashboard.figures.drawing import block_recipe, drawing, map_sides, row_texts
from dse.network import build
from tests.architectures import architectures
from tests.population import architecture

ARCH = architecture(np.random.default_rng(0)) | {
    "depths": [3, 3, 9, 3],
    "dims": [96, 192, 384, 768],
    "kernel_sizes": [7, 7, 5, 3],
    "ls_init_value": None,
}


def test_each_stage_is_drawn_with_a_block_for_each_layer_and_height_for_its_width():
    bars = drawing(ARCH).data
    assert [len(bar.x) for bar in bars] == [1, 3, 3, 9, 3]
    tall = np.array([bar.width[0] for bar in bars[1:]])
    assert tall / tall[0] == pytest.approx([1, 2, 4, 8])


def test_rows_do_not_overlap():
    figure = drawing(ARCH)
    texts = [note.y for note in figure.layout.annotations]
    for bar, text, following in zip(figure.data, texts, texts[1:], strict=False):
        assert text < bar.y[0] - bar.width[0] / 2
        assert bar.y[0] + bar.width[0] / 2 < following
    assert figure.layout.height == pytest.approx(figure.layout.yaxis.range[0], abs=1)


def test_two_drawings_can_share_a_scale():
    figure = drawing(ARCH, longest=18, widest=1536)
    assert tuple(figure.layout.xaxis.range) == (0, 18)
    assert figure.data[-1].width[0] == pytest.approx(drawing(ARCH).data[-1].width[0] / 2)


def test_rows_name_depth_width_kernel_and_resolution():
    stem, *stages = row_texts(ARCH, 224, bold=False)
    assert stem.endswith("224 → 56 px")
    assert stages[2] == "Stage 3 9 × 384, kernel 5×5, 14 px"
    assert [row.split(", ")[-1] for row in stages] == ["56 px", "28 px", "14 px", "7 px"]


def test_block_recipe_names_every_choice():
    arch = ARCH | {"block_order": "spatial_first", "norm_layer": "layer_norm"}
    text = block_recipe(arch)
    assert text.startswith("Block: depthwise, expand, project; ")
    assert "× LayerNorm" in text
    assert "no layer scale" in text
    assert "layer scale 1e-06" in block_recipe(ARCH | {"ls_init_value": 1e-6})


@pytest.mark.parametrize(
    ("ratio", "layers", "expansion"),
    [
        ([4, 2, 1, 2.5], "depthwise, expand, project", "expansion 4-2-1-2.5"),
        ([0.25, 0.5, 0.5, 0.5], "depthwise, reduce, expand", "expansion 0.25-0.5-0.5-0.5"),
        ([0.5, 1, 2, 4], "depthwise, pointwise, pointwise", "expansion 0.5-1-2-4"),
        ([4, 4, 4, 4], "depthwise, expand, project", "expansion 4;"),
    ],
)
def test_block_recipe_names_the_ratio_of_each_stage(ratio, layers, expansion):
    text = block_recipe(ARCH | {"block_order": "spatial_first", "expansion_ratio": ratio})
    assert text.startswith(f"Block: {layers}; {expansion}")


@pytest.mark.parametrize("stages", [1, 2, 6])
def test_any_number_of_stages_is_drawn(stages):
    arch = ARCH | {key: [5] * stages for key in ("depths", "dims", "kernel_sizes")}
    assert len(drawing(arch).data) == stages + 1


@settings(max_examples=25, deadline=None)
@given(architectures())
def test_sizes_are_those_of_the_network_that_is_built(arch: Architecture):
    seen: list[int] = []
    network = build(arch).eval()
    for module in (network.stem, *network.stages):
        module.register_forward_hook(lambda _module, _input, output: seen.append(output.shape[-1]))
    with torch.no_grad():
        network(torch.zeros(1, 3, 50, 50))
    assert map_sides(arch, 50) == seen


def test_odd_maps_are_halved_as_the_downsampling_does():
    for kind, sides in (("separate", [50, 25, 12, 6]), ("in_block", [50, 25, 13, 7])):
        rows = row_texts(ARCH | {"stem": "patch", "downsampling": kind}, 200, bold=False)
        assert [int(row.split(", ")[-1].removesuffix(" px")) for row in rows[1:]] == sides
    assert row_texts(ARCH | {"stem": "patch", "patch_size": 16})[0].endswith("224 → 14 px")


@pytest.mark.parametrize("kind", ["separate", "in_block"])
def test_the_first_stage_is_seen_to_downsample_after_a_simple_stem(kind):
    arch = ARCH | {"stem": "simple", "patch_size": 4, "stem_width": 32, "downsampling": kind}
    rows = row_texts(arch, 224, bold=False)
    assert rows[0] == "Stem simple 3×3, 224 → 112 px"
    assert [row.split(", ")[-1] for row in rows[1:]] == ["56 px", "28 px", "14 px", "7 px"]
    assert f"downsampling {kind.replace('_', ' ')}, from stage 1 on" in block_recipe(arch)
    assert "from stage 1 on" not in block_recipe(arch | {"stem": "patch", "stem_width": None})


@settings(max_examples=100, deadline=None)
@given(architectures())
def test_every_network_that_can_be_described_is_drawn_and_told(arch: Architecture):
    figure = drawing(arch.to_dict(), resolution=64)
    assert [len(bar.x) for bar in figure.data] == [1, *arch.depths]
    text = block_recipe(arch.to_dict()) + " ".join(row_texts(arch.to_dict(), 64))
    assert "None" not in text
    assert "[" not in text
    assert ("global response norm" in text) == arch.grn


def test_what_departs_from_the_usual_is_told():
    arch = ARCH | {"kernel_sizes": [7, [3, 5, 7], 5, 3], "stem_norm": False, "groups": 1}
    arch |= {"norms_per_block": [0, 2], "acts_per_block": [0, "add"], "norm_layer": "rms_norm"}
    arch |= {"act_layer": "gelu", "drop_path_rate": 0.1}
    assert "kernels 3-5-7" in row_texts(arch)[2]
    text = block_recipe(arch)
    assert "dense" in text
    assert "RMSNorm after layer 1 and layer 3; GELU after layer 1 and the addition" in text
    assert text.endswith("no norm after the stem; stochastic depth 0.1")
