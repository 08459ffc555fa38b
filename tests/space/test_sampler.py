from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dse.architecture import cost
from dse.errors import UserError
from dse.space import Budget, Sampler
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
    assert found.hash == "988e168cbdba"


def test_another_seed_or_space_gives_other_networks() -> None:
    other = changed(act_layer={"choice": ["gelu", "relu", "silu"]})
    shapes = {
        Sampler(space=space, budget=BUDGET, seed=seed).sample(0).architecture.depths
        + Sampler(space=space, budget=BUDGET, seed=seed).sample(1).architecture.dims
        for space, seed in ((CONVNEXT, 0), (CONVNEXT, 1), (other, 0))
    }
    assert len(shapes) == 3


def test_prose_in_a_space_does_not_change_the_networks() -> None:
    reworded = CONVNEXT.model_copy(update={"description": "other words"})
    assert reworded.hash == CONVNEXT.hash


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
