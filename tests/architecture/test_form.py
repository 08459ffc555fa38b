from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings

from dse.architecture import Architecture, cost
from dse.architecture.catalog import CATALOG
from dse.architecture.form import METRICS, STEM, cost_forms, evaluate
from dse.architecture.widths import HALF_STEM, half_width, hidden_width
from dse.errors import UserError
from tests.architectures import architectures


def one_kernel_a_stage(a: Architecture) -> Architecture:
    return dataclasses.replace(
        a, kernel_sizes=tuple(k if isinstance(k, int) else k[0] for k in a.kernel_sizes)
    )


def free(a: Architecture) -> frozenset[str]:
    return frozenset(n for n in ("groups", "group_width", STEM) if getattr(a, n) is not None)


def numbers(a: Architecture) -> dict[str, int]:
    """A network's numbers by symbol."""
    stem = a.dims[0] if a.stem_width is None else a.stem_width
    found: dict[str, Any] = {"groups": a.groups, STEM: stem, HALF_STEM: half_width(stem)}
    for stage in range(a.stages):
        dim, symbol = a.dims[stage], stage + 1
        found |= {
            f"depths.{symbol}": a.depths[stage],
            f"dims.{symbol}": dim,
            f"kernel_sizes.{symbol}": a.kernel_sizes[stage],
            f"hidden.{symbol}": hidden_width(a.stage_expansion_ratio(stage), dim),
            f"group_width.{symbol}": a.stage_group_width(stage),
        }
    return {name: number for name, number in found.items() if number is not None}


def varied(a: Architecture) -> Architecture:
    """Another network of the same structure."""
    return dataclasses.replace(
        a,
        depths=tuple(depth + 2 for depth in a.depths),
        dims=tuple(3 * dim for dim in a.dims),
        stem_width=None if a.stem_width is None else 3 * a.stem_width,
        kernel_sizes=tuple(size + 2 for size in a.kernel_sizes),  # type: ignore[operator]
    )


def assert_equal_to_the_cost(a: Architecture, *, resolution: int = 64) -> None:
    several = [a, varied(a)]
    forms = cost_forms(a, free(a), resolution=resolution, classes=10)
    each = [numbers(one) for one in several]
    together = {name: np.array([one[name] for one in each]) for name in each[0]}
    costs = [cost(one, resolution=resolution, classes=10) for one in several]
    known = [[getattr(one, metric) for one in costs] for metric in METRICS]
    wanted = [forms[metric] for metric in METRICS]
    alone = np.concatenate([evaluate(wanted, one) for one in each], axis=1)
    assert alone.tolist() == known
    assert evaluate(wanted, together).tolist() == known


@example(CATALOG["regnetx_200mf"])
@example(dataclasses.replace(CATALOG["regnetx_200mf"], downsampling="separate"))
@example(dataclasses.replace(CATALOG["convnext_tiny"], stem="overlap_tiered"))
@settings(max_examples=500, deadline=None)
@given(architectures().map(one_kernel_a_stage))
def test_the_form_of_a_structure_is_exactly_the_cost_of_its_networks(a: Architecture) -> None:
    assert_equal_to_the_cost(a)


@pytest.mark.parametrize("name", [name for name in CATALOG if "step" not in name])
def test_the_forms_of_known_networks_are_exact_at_full_size(name: str) -> None:
    assert_equal_to_the_cost(CATALOG[name], resolution=224)


def test_an_input_too_small_for_the_structure_is_refused() -> None:
    deep = Architecture(depths=(1,) * 6, dims=(8,) * 6, kernel_sizes=(3,) * 6)
    with pytest.raises(UserError, match="too small for 6 stages"):
        cost_forms(deep, frozenset(), resolution=64)
    assert cost_forms(deep, frozenset(), resolution=128)
