from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dse.architecture import Architecture, cost
from dse.errors import UserError
from dse.space.budget import (
    NOT_ON_LATTICE,
    Budget,
    Infeasible,
    WidthLattice,
    flops_range,
    solve_widths,
)
from tests.architectures import architectures

LATTICE = WidthLattice(multiple_of=8, minimum=16, maximum=2048)
DOUBLING = np.array([1.0, 2.0, 4.0, 8.0])


def test_the_window_is_symmetric_around_the_target() -> None:
    budget = Budget.parse("4.5GFLOPs", tolerance="2%")
    assert budget.window == pytest.approx((4.41e9, 4.59e9))
    assert budget.contains(4.41e9 + 1)
    assert not budget.contains(4.4e9)
    assert str(budget) == "4.500 GFLOPs ± 2 % at 224 px"


def test_a_resolution_out_of_range_is_refused() -> None:
    with pytest.raises(UserError, match="resolution must be from 16 to 4096 pixels, not 8"):
        Budget(flops=1e9, resolution=8)


def test_convnext_tiny_comes_back_from_its_own_cost() -> None:
    tiny = Architecture()
    shape = dataclasses.replace(tiny, dims=(1, 1, 1, 1))
    budget = Budget(flops=cost(tiny).flops)
    assert solve_widths(shape, DOUBLING, budget, LATTICE) == tiny


@settings(max_examples=100, deadline=None)
@given(
    shape=architectures(),
    target=st.floats(2e7, 2e10),
    growth=st.lists(st.floats(0.6, 2.5), min_size=3, max_size=3),
)
def test_solved_widths_meet_the_budget_on_the_lattice_and_keep_the_proportions(
    shape: Architecture, target: float, growth: list[float]
) -> None:
    proportions = np.cumprod([1.0, *growth])[: shape.stages]
    budget = Budget(flops=target)
    try:
        found = solve_widths(shape, proportions, budget, LATTICE)
    except Infeasible as reason:
        if str(reason) == NOT_ON_LATTICE:
            assume(False)
        assert_infeasible(shape, proportions, budget)
        return
    assert budget.contains(cost(found).flops)
    assert all(d % 8 == 0 and 16 <= d <= 2048 for d in found.dims)
    assert np.all(np.diff(found.dims) * np.sign(np.diff(proportions)) >= 0)
    scale = np.array(found.dims) / proportions
    # three lattice steps to either side of the solution, so six at most from the mean scale
    centre = np.exp(np.log(scale).mean())
    assert np.all(np.abs(np.array(found.dims) - centre * proportions) <= 6 * 8)


def assert_infeasible(
    shape: Architecture, proportions: NDArray[np.float64], budget: Budget
) -> None:
    """The shape costs too much, or too little, at every width."""
    try:
        low, high = flops_range(shape, proportions, budget, LATTICE)
    except Infeasible:
        assert proportions.max() / proportions.min() > 2048 / 16
        return
    assert budget.window[1] < low or high < budget.window[0]


def test_what_cannot_meet_the_budget_says_why() -> None:
    shape = Architecture(dims=(1, 1, 1, 1))
    for flops, reason in ((1e6, "too dear"), (1e14, "too cheap")):
        with pytest.raises(Infeasible, match=reason):
            solve_widths(shape, DOUBLING, Budget(flops=flops), LATTICE)
    with pytest.raises(Infeasible, match="differ by more"):
        solve_widths(shape, np.array([1, 1, 1, 1e6]), Budget(flops=4.5e9), LATTICE)
    coarse = WidthLattice(multiple_of=512, minimum=512, maximum=2048)
    with pytest.raises(Infeasible, match="no allowed widths"):
        solve_widths(shape, np.ones(4), Budget(flops=5e10, tolerance=1e-6), coarse)


def test_the_range_of_the_largest_networks_on_the_largest_images_does_not_overflow() -> None:
    shape = Architecture(depths=(1000,) * 4, kernel_sizes=(255,) * 4, expansion_ratio=64)
    lattice = WidthLattice(multiple_of=8, minimum=32768, maximum=65536)
    budget = Budget(flops=1e9, resolution=4096)
    for found, width in zip(
        flops_range(shape, np.ones(4), budget, lattice), (32768, 65536), strict=True
    ):
        exact = cost(dataclasses.replace(shape, dims=(width,) * 4), resolution=4096).flops
        assert exact > 2**63
        assert found == pytest.approx(exact, rel=1e-12)


def test_the_range_of_a_shape_is_its_cost_at_the_narrowest_and_the_widest() -> None:
    shape = Architecture(dims=(1, 1, 1, 1))
    low, high = flops_range(shape, DOUBLING, Budget(flops=1e9), LATTICE)
    assert low == cost(Architecture(dims=(16, 32, 64, 128))).flops
    assert high == cost(Architecture(dims=(256, 512, 1024, 2048))).flops
