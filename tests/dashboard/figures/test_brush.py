from __future__ import annotations

import plotly.graph_objects as go

from dse.dashboard.figures.brush import brushed, level_axis, number_axis, role


def test_axes_name_stored_columns_with_the_factor_to_what_is_shown() -> None:
    figure = brushed(go.Figure(), x=number_axis("flops"), y=number_axis("error"))
    assert figure.layout.meta == {
        "brush": {
            "x": {"column": "flops", "factor": 1e-9},
            "y": {"column": "error", "factor": 100},
        }
    }
    assert figure.layout.dragmode == "select"


def test_levels_are_called_as_a_space_calls_them() -> None:
    axis = level_axis("arch.ls_init_value", [None, 1e-6, 4.0, 3, True, "patch"])
    assert axis["levels"] == ["none", "1e-06", "4", "3", "True", "patch"]


def test_an_axis_without_a_column_is_not_named() -> None:
    assert list(brushed(go.Figure(), x=number_axis("error")).layout.meta["brush"]) == ["x"]


def test_a_trace_says_what_it_is_and_of_which_study() -> None:
    assert role("edf", "a study") == {"role": "edf", "study": "a study"}
