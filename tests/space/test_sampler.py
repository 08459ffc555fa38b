from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dse.architecture import cost
from dse.errors import UserError
from dse.space import Budget, Sampler
from dse.space.budget import Infeasible, solve_widths
from dse.space.sampler import draw_shape
from tests.spaces import CONVNEXT, changed

BUDGET = Budget.parse("4.5GFLOPs")


def test_every_network_is_in_the_window() -> None:
    sampler = Sampler(space=CONVNEXT, budget=BUDGET)
    for sample in sampler.samples(300):
        assert BUDGET.contains(cost(sample.architecture).flops)
        assert sample.cost == cost(sample.architecture)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 2**32 - 1))
def test_a_network_depends_on_space_budget_seed_and_its_number_alone(index: int, seed: int) -> None:
    once, again = (
        Sampler(space=CONVNEXT, budget=BUDGET, seed=seed).sample(index) for _ in range(2)
    )
    assert once == again


def test_network_17_of_seed_0_is_the_same_on_every_machine_and_in_every_version() -> None:
    found = Sampler(space=CONVNEXT, budget=BUDGET).sample(17).architecture
    assert found.hash == "46d14c7e8bc2"


def test_another_seed_or_space_gives_other_networks() -> None:
    other = changed(act_layer={"choice": ["gelu", "relu", "silu"]})
    shapes = {
        Sampler(space=space, budget=BUDGET, seed=seed).sample(0).architecture.depths
        + Sampler(space=space, budget=BUDGET, seed=seed).sample(1).architecture.dims
        for space, seed in ((CONVNEXT, 0), (CONVNEXT, 1), (other, 0))
    }
    assert len(shapes) == 3


@pytest.mark.parametrize("change", [{"description": "other words"}, {"name": "renamed"}])
def test_name_and_prose_of_a_space_do_not_change_the_networks(change: dict[str, str]) -> None:
    reworded = CONVNEXT.model_copy(update=change)
    assert reworded.hash == CONVNEXT.hash
    one, other = (Sampler(space=space, budget=BUDGET).sample(3) for space in (CONVNEXT, reworded))
    assert one == other


def test_the_hash_of_the_shipped_space_is_the_same_on_every_machine() -> None:
    assert CONVNEXT.hash == "3927be12352f"


def test_the_widest_width_allowed_does_not_move_the_others() -> None:
    growth = {"per_stage": {"log_uniform": [1.25, 2.75]}}
    shared = {"growth": growth, "multiple_of": 8, "minimum": 16}
    narrow, wide = (changed(dims=shared | {"maximum": most}).parameters for most in (2048, 65536))
    compared = 0
    for seed in range(200):
        shape, proportions = draw_shape(CONVNEXT, np.random.default_rng(seed))
        with suppress(Infeasible):
            found = solve_widths(shape, proportions, BUDGET, narrow.dims.lattice)
            assert solve_widths(shape, proportions, BUDGET, wide.dims.lattice) == found
            compared += 1
    assert compared > 150


def test_the_widest_networks_of_the_largest_images_overflow_nothing() -> None:
    space = changed(
        depths={"shared": {"choice": [1000]}},
        kernel_sizes={"shared": {"choice": [255]}},
        expansion_ratio={"choice": [64]},
        dims={"growth": {"shared": {"choice": [1]}}, "maximum": 65536},
    )
    budget = Budget(flops=1e17, resolution=4096)
    for sample in Sampler(space=space, budget=budget).samples(3):
        assert budget.contains(sample.cost.flops)


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        (
            Budget.parse("4.5GFLOPs", tolerance="0.00001%"),
            r"\d+ no allowed widths.* widen --tolerance, or lower dims\.multiple_of, which is 512",
        ),
        (Budget(flops=4.5e9, resolution=16), "--resolution 16: is too small an image"),
    ],
)
def test_what_no_shape_can_meet_is_told_with_the_reason(budget: Budget, words: str) -> None:
    coarse = {"growth": {"shared": {"choice": [1]}}, "multiple_of": 512, "minimum": 512}
    space = changed(dims=coarse, downsampling={"choice": ["separate"]})
    with pytest.raises(UserError, match=words):
        Sampler(space=space, budget=budget).sample(0)


def test_shapes_too_deep_for_a_small_image_are_refused_and_the_others_drawn() -> None:
    sampler = Sampler(space=CONVNEXT, budget=Budget(flops=1e8, resolution=16))
    samples = list(sampler.samples(20))
    assert {sample.architecture.downsampling for sample in samples} == {"in_block"}
    refusals = {reason for sample in samples for reason in sample.refusals}
    assert "too small an image for its stages" in refusals


def test_categories_keep_their_prior_at_the_budget() -> None:
    samples = list(Sampler(space=CONVNEXT, budget=BUDGET).samples(1000))
    for name in ("norm_layer", "stem", "act_layer", "pointwise", "block_order", "downsampling"):
        prior = getattr(CONVNEXT.parameters, name)
        observed = [
            sum(getattr(s.architecture, name) == value for s in samples) for value in prior.values
        ]
        assert stats.chisquare(observed).pvalue > 1e-3, name


def test_shared_values_are_equal_in_all_stages() -> None:
    space = changed(kernel_sizes={"shared": {"choice": [3, 5, 7]}})
    for sample in Sampler(space=space, budget=BUDGET).samples(20):
        assert len(set(sample.architecture.kernel_sizes)) == 1


@pytest.mark.parametrize("budget", ["1MFLOPs", "100TFLOPs"])
def test_an_impossible_budget_is_refused_with_the_feasible_range(budget: str) -> None:
    with pytest.raises(UserError, match=r"cost from 9\.\d+ MFLOPs to \d+\.\d+ GFLOPs"):
        Sampler(space=CONVNEXT, budget=Budget.parse(budget)).sample(0)


def test_widths_that_never_fit_are_refused_with_the_key() -> None:
    space = changed(
        dims={
            "growth": {"per_stage": {"choice": [10]}},
            "minimum": 100,
            "maximum": 200,
        }
    )
    with pytest.raises(UserError, match=r"parameters\.dims"):
        Sampler(space=space, budget=BUDGET).sample(0)
