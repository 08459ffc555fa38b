from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dse.architecture import Architecture, cost, costs
from dse.architecture.form import METRICS
from dse.space import Sampler
from dse.space.language.design_space import DesignSpace
from dse.space.sampling.budget import Budget
from dse.space.sampling.draft import Draft, draft
from dse.space.sampling.shapes import Drawer
from dse.space.sampling.solve import NOT_ON_LATTICE, TOO_CHEAP, TOO_DEAR, TOO_UNEQUAL
from tests.architectures import architectures
from tests.spaces import changed

MULTIPLE, LEAST, MOST = 8, 16, 2048


def space_of(a: Architecture, growth: list[float], **widths: Any) -> Drawer:
    """A space of one shape, whose widths alone are solved for."""
    fixed = {
        name: value
        for name, value in a.to_dict().items()
        if name not in ("dims", "group_width", "stem_width")
    }
    data = {
        "name": "one",
        "stages": a.stages,
        "parameters": {
            **fixed,
            "dims": {
                "growth": growth[: a.stages - 1] if a.stages > 1 else 1,
                "multiple_of": MULTIPLE,
                "minimum": LEAST,
                "maximum": MOST,
                **widths,
            },
        },
    }
    return Drawer(DesignSpace.model_validate(data))


def solved(drawer: Drawer, budget: Budget) -> Draft:
    return draft(drawer, budget, "solved", np.zeros((1, max(1, len(drawer.columns)))))


def test_convnext_tiny_comes_back_from_its_own_cost() -> None:
    tiny = Architecture()
    drawer = space_of(tiny, [2, 2, 2])
    found = solved(drawer, Budget(target=cost(tiny).flops))
    assert found.architecture(drawer, 0) == tiny


@pytest.mark.parametrize("metric", METRICS)
def test_every_counted_metric_can_be_the_target(metric: str) -> None:
    tiny = Architecture()
    drawer = space_of(tiny, [2, 2, 2])
    target = getattr(cost(tiny), metric)
    found = solved(drawer, Budget(target=target, metric=metric, tolerance=1e-6))
    assert found.architecture(drawer, 0) == tiny


@settings(max_examples=150, deadline=None)
@given(
    a=architectures(),
    target=st.floats(2e7, 2e10),
    growth=st.lists(st.integers(20, 80).map(lambda k: k / 32), min_size=3, max_size=3),
    tolerance=st.sampled_from((0.003, 0.01, 0.05)),
)
def test_the_widths_are_the_best_of_all_near_the_solution(
    a: Architecture, target: float, growth: list[float], tolerance: float
) -> None:
    assume(a.stages <= 4 and all(isinstance(k, int) for k in a.kernel_sizes))
    a = dataclasses.replace(a, group_width=None, stem_width=None) if a.groups is None else a
    assume(a.stem_width is None and a.groups in (None, 1))
    assume(all(isinstance(p, int) for p in (a.norms_per_block, a.acts_per_block)))
    ratios = (a.stage_expansion_ratio(stage) for stage in range(a.stages))
    eighths = tuple(max(1, round(8 * ratio)) / 8 for ratio in ratios)  # whole when very wide
    a = dataclasses.replace(a, expansion_ratio=eighths)
    drawer = space_of(a, growth)
    budget = Budget(target=target, tolerance=tolerance)
    found = solved(drawer, budget)
    proportions = np.cumprod([1.0, *growth[: a.stages - 1]])
    best = brute_force(a, proportions, budget)
    if best is None:
        assert found.reasons[0] != ""
        return
    assert found.reasons[0] == "", found.reasons[0]
    assert tuple(found.dims[0]) == best
    again = found.architecture(drawer, 0)
    assert found.costs[0].tolist() == list(dataclasses.astuple(cost(again)))
    assert budget.contains(cost(again).flops)


def brute_force(
    a: Architecture, proportions: NDArray[np.float64], budget: Budget
) -> tuple[int, ...] | None:
    """The rule in its plainest words: bisect the scale, then try all widths around it."""

    def flops(dims: tuple[int, ...]) -> int:
        return cost(dataclasses.replace(a, dims=dims)).flops

    low, high = LEAST / proportions.min(), MOST / proportions.max()
    if low > high:
        return None
    ends = [flops(tuple(int(d) for d in np.rint(s * proportions))) for s in (low, high)]
    if ends[0] > budget.window[1] or ends[1] < budget.window[0]:
        return None
    # real-valued widths: FLOPs are quadratic in the scale, so three wide networks tell them
    wide = np.array([2.0**18, 2.0**19, 2.0**20])  # whole, whatever the growth
    spent = costs(a, dims=np.rint(wide[:, None] * proportions)).flops  # type: ignore[arg-type]
    smooth = np.polynomial.Polynomial.fit(wide, spent, 2).convert()
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if smooth(middle) < budget.target else (low, middle)
    exact = high * proportions
    steps_up = exact / MULTIPLE
    assume((np.abs(steps_up - np.rint(steps_up)) > 1e-5).all())  # else rounding decides the cell
    for reach in (1, 2, 3):
        start = np.floor(exact / MULTIPLE).astype(int) - reach + 1
        axes = [
            [int(w) for w in (s + np.arange(2 * reach)) * MULTIPLE if LEAST <= w <= MOST]
            for s in start
        ]
        choices = []
        for dims in itertools.product(*axes):
            steps, rises = np.diff(dims), np.sign(np.diff(exact))
            kept = all(steps == 0) if set(proportions) == {1.0} else all(steps * rises >= 0)
            if kept and budget.contains(flops(dims)):
                change = np.abs(np.log(np.array(dims) / exact)).max()
                choices.append((round(change, 7), abs(flops(dims) - budget.target), dims))
        if choices:
            return min(choices)[2]
    return None


def test_what_cannot_meet_the_budget_says_why() -> None:
    drawer = space_of(Architecture(), [2, 2, 2])
    for flops, reason in ((1e6, TOO_DEAR), (1e14, TOO_CHEAP)):
        assert solved(drawer, Budget(target=flops)).reasons[0] == reason
    assert solved(space_of(Architecture(), [1, 1, 1e4]), Budget(target=4.5e9)).reasons[0] == (
        TOO_UNEQUAL
    )
    coarse = space_of(Architecture(), [1, 1, 1], multiple_of=512, minimum=512)
    assert solved(coarse, Budget(target=5e10, tolerance=1e-6)).reasons[0] == NOT_ON_LATTICE


def test_widths_that_are_one_stay_one() -> None:
    drawer = space_of(Architecture(), [1, 1, 1])
    for target in (2e9, 4.5e9, 9e9):
        dims = solved(drawer, Budget(target=target, tolerance=0.05)).dims[0]
        assert len(set(dims.tolist())) == 1
        assert dims[0] > 0


@pytest.mark.parametrize("groups", [3, 5, 6, 7])
def test_costs_are_whole_whatever_the_groups(groups: int) -> None:
    space = changed(groups=groups, block_order="spatial_middle", expansion_ratio=2.5)
    sampler = Sampler(space=space, budget=Budget.parse("4.5GFLOPs", tolerance="10%"))
    for sample in sampler.samples(100):
        assert sample.cost == cost(sample.architecture)


def test_shapes_of_eight_stages_find_their_widths() -> None:
    space = DesignSpace.model_validate(
        {
            "name": "eight",
            "stages": 8,
            "parameters": {
                "depths": {"shared": {"choice": [1, 2]}},
                "dims": {"growth": {"per_stage": {"uniform": [1, 1.6]}}},
                "kernel_sizes": 3,
            },
        }
    )
    budget = Budget.parse("1GFLOPs", resolution=512)
    samples = list(Sampler(space=space, budget=budget).samples(20))
    assert sum(sample.refusals.total() for sample in samples) < 10


def test_limits_refuse_what_the_target_allows() -> None:
    drawer = space_of(Architecture(), [2, 2, 2])
    for limit, reason in (("params<=20M", "above the limit on params"), ("params<=30M", "")):
        assert solved(drawer, Budget.parse(["4.5GFLOPs", limit])).reasons[0] == reason


def test_a_space_that_no_network_can_be_built_of_says_why() -> None:
    space = changed(block_order="basic", groups=None, kernel_sizes=3)
    found = draft(Drawer(space), Budget(target=1e9), "solved", np.zeros((1, 40)))
    assert "a basic block needs groups" in found.reasons[0]
