from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.space.language import size
from dse.space.language.design_space import DesignSpace, load_space, space_from_definition
from dse.space.language.size import log10_size
from tests.spaces import CONVNEXT_FILE


def count(space: DesignSpace) -> int:
    return round(10**space.log10_size)


def space(stages: int = 2, **parameters: Any) -> DesignSpace:
    least = {"depths": 1, "dims": {"growth": 1}, "kernel_sizes": 7}
    return space_from_definition(
        {"name": "any", "stages": stages, "parameters": least | parameters}
    )


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("anynetx_a", "1.8e+18"),
        ("anynetx_b", "6.8e+16"),
        ("anynetx_c", "3.2e+14"),
        ("anynetx_d", "1.3e+13"),
        ("anynetx_e", "5.5e+11"),
        ("regnetx", "3.0e+08"),
    ],
)
def test_the_spaces_of_regnet_are_as_large_as_published(name: str, published: str) -> None:
    file = CONVNEXT_FILE.parent / f"{name}.yaml"
    found = log10_size(load_space(file), orderings="factorial")
    assert f"{10**found:.1e}" == published  # Radosavovic et al. 2020, tables 1 and 2


@given(
    stages=st.lists(
        st.lists(st.integers(1, 6), min_size=1, max_size=4, unique=True), min_size=1, max_size=4
    ),
    falling=st.booleans(),
)
def test_ordered_values_are_counted_exactly(stages: list[list[int]], falling: bool) -> None:
    for values in stages:
        values.append(7)  # so that there is an order to keep
    tie = "non_increasing" if falling else "non_decreasing"
    found = space(
        len(stages), depths={"per_stage": [{"choice": values} for values in stages], "tie": tie}
    )
    sign = -1 if falling else 1
    ordered = sum(
        all(sign * a <= sign * b for a, b in itertools.pairwise(values))
        for values in itertools.product(*stages)
    )
    assert count(found) == ordered
    factorial = math.prod(map(len, stages)) / math.factorial(len(stages))
    if len({tuple(values) for values in stages}) > 1:
        assert 10 ** log10_size(found, orderings="factorial") == pytest.approx(factorial)


@pytest.mark.parametrize(
    ("parameters", "shapes", "dimension"),
    [
        ({}, 1, 0),
        ({"depths": {"choice": [1, 2]}, "kernel_sizes": {"choice": [3, 5, 7, 9, 11]}}, 10, 2),
        ({"depths": {"per_stage": {"choice": [1, 2]}}}, 4, 2),
        ({"depths": {"per_stage": {"choice": [1, 2]}, "tie": "shared"}}, 2, 1),
        ({"depths": {"any_of": [[1, 2], [2, 2], [3, 3]]}}, 3, 1),
        ({"dims": {"growth": {"choice": [1, 2]}, "first": {"choice": [8, 16, 24]}}}, 6, 2),
        ({"dims": {"growth": {"per_stage": {"uniform": [1, 2]}}}}, 1, 1),
        ({"expansion_ratio": {"per_stage": {"uniform": [1, 2]}, "tie": "non_decreasing"}}, 1, 2),
        ({"dims": {"per_stage": {"uniform": [4, 40], "step": 4}}}, 25, 2),
        ({"dims": {"per_stage": {"uniform": [4, 40], "step": 4}, "maximum": 20}}, 4, 2),
        ({"grn": {"choice": [True, False]}, "ls_init_value": {"uniform": [0, 1]}}, 2, 2),
        (  # 3 norms, and grn with one of them only
            {
                "norm_layer": {"choice": ["layer_norm", "batch_norm", "rms_norm"]},
                "grn": {"choice": [True, False], "when": {"norm_layer": "rms_norm"}},
            },
            4,
            2,
        ),
        (  # a chain: 2 norms; relu or silu with one, else gelu; with relu 5 kernels, else 1
            {
                "norm_layer": {"choice": ["layer_norm", "batch_norm"]},
                "act_layer": {"choice": ["relu", "silu"], "when": {"norm_layer": "batch_norm"}},
                "kernel_sizes": {"choice": [3, 5, 7, 9, 11], "when": {"act_layer": "relu"}},
            },
            7,
            3,
        ),
    ],
)
def test_shapes_are_counted(parameters: dict[str, Any], shapes: int, dimension: int) -> None:
    found = space(**parameters)
    assert count(found) == shapes
    assert found.dimension == dimension


def test_a_line_counts_64_levels_for_each_free_number() -> None:
    line = {
        "depth": {"uniform": [1, 3], "step": 1},
        "initial": 24,
        "slope": {"uniform": [8, 16]},
        "multiplier": {"choice": [2, 2.5]},
    }
    parameters = {"dims": {"quantized_linear": line}, "kernel_sizes": {"choice": [3, 5]}}
    data = {"name": "any", "stages": 2, "parameters": parameters}
    assert count(space_from_definition(data)) == 64**3 * 2


def test_conditions_on_very_many_values_give_an_upper_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parameters = {
        "norm_layer": {"choice": ["layer_norm", "batch_norm", "rms_norm"]},
        "grn": {"choice": [True, False], "when": {"norm_layer": "rms_norm"}},
    }
    monkeypatch.setattr(size, "MAX_ASSIGNMENTS", 2)
    assert count(space(**parameters)) == 6
