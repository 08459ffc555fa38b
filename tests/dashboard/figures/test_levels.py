from __future__ import annotations

import numpy as np
import pandas as pd

from dse.analysis.factors.levels import factor_of
from dse.dashboard.figures.levels import factor_axis, factor_name, level_words


def test_levels_are_called_as_everywhere():
    factor = factor_of(pd.Series(["layer_norm", "batch_norm", "<b>"]), "norm_layer")
    assert factor_name(factor.name) == "Norm"
    assert level_words(factor) == ["&lt;b&gt;", "BatchNorm", "LayerNorm"]


def test_a_box_over_single_values_selects_these_as_text():
    factor = factor_of(pd.Series([3, 7, 5, 3]), "kernel_sizes.1")
    assert level_words(factor) == ["3", "5", "7"]
    axis = factor_axis(factor, ["arch.kernel_sizes.1"])
    assert axis == {"column": "arch.kernel_sizes.1", "levels": ["3", "5", "7"]}


def test_a_box_over_groups_of_numbers_selects_ranges_and_those_without_a_number():
    numbers = pd.Series([*range(10, 50), np.nan])
    axis = factor_axis(factor_of(numbers, "dims.1"), ["arch.dims.1"])
    assert axis is not None
    assert axis["ranges"] == [[10.0, 19.0], [20.0, 29.0], [30.0, 39.0], [40.0, 49.0], None]


def test_what_is_no_column_of_the_table_cannot_be_selected_by():
    factor = factor_of(pd.Series(["a", "b"]), "dims.growth.1")
    assert factor_axis(factor, ["arch.dims.1"]) is None
