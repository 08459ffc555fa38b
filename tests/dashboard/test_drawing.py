from __future__ import annotations

import numpy as np
import pytest

from dse.dashboard.drawing import block_recipe, drawing, row_texts
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


@pytest.mark.parametrize("stages", [1, 2, 6])
def test_any_number_of_stages_is_drawn(stages):
    arch = ARCH | {key: [4] * stages for key in ("depths", "dims", "kernel_sizes")}
    assert len(drawing(arch).data) == stages + 1
