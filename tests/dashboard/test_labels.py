from __future__ import annotations

import numpy as np
import pytest

from dse.architecture import Architecture
from dse.dashboard.labels import axis_type, joined, label, word
from tests.population import make_population


def test_every_column_of_a_population_that_is_shown_has_a_name():
    columns = [c for c in make_population().columns if c.startswith("arch.")]
    assert all(label(column).name != column for column in columns)
    assert label("arch.depths.3").axis == "Depth, stage 3 [blocks]"
    assert label("arch.expansion_ratio.2").axis == "Expansion ratio, stage 2"
    assert label("arch.kernel_sizes.3.1").axis == "Kernel size, stage 3, block 1"
    assert label("arch.norms_per_block.1").axis == "Norms per block, place 1"


def test_every_field_of_an_architecture_has_a_name_of_its_own():
    names = {field: label(f"arch.{field}").name for field in Architecture().to_dict()}
    assert [field for field, name in names.items() if name == field.replace("_", " ")] == []
    assert len(set(names.values())) == len(names)


def test_values_of_stages_are_joined_and_those_of_blocks_within():
    assert joined([7, [3, 5], 7]) == "7-3/5-7"


def test_values_are_shown_in_their_unit():
    assert label("error").number(0.4567) == "45.7"
    assert label("flops").number(4455531264) == "4.456"
    assert label("error").number(np.nan) == "–"


def test_unknown_columns_and_values_are_shown_as_text():
    assert label("arch.<b>new</b>_thing").name == "&lt;b&gt;new&lt;/b&gt; thing"
    assert word("<script>") == "&lt;script&gt;"


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("params", [1e6, 9e6], "log"),
        ("params", [1e6, 2e6], "linear"),
        ("params", [0, 9e6], "linear"),
        ("arch.depths.1", [1, 100], "linear"),
        ("params", [], "linear"),
    ],
)
def test_scale_is_logarithmic_only_for_wide_positive_values(column, values, expected):
    assert axis_type(column, values) == expected
