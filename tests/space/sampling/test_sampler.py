from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dse.architecture import Architecture, cost
from dse.errors import UserError
from dse.space import Budget, Sampler, duplicates
from dse.space.language.design_space import DesignSpace, load_space
from dse.space.sampling.streams import Design
from tests.spaces import CONVNEXT, SPACES, changed

BUDGET = Budget.parse("4.5GFLOPs")
PYCLS = load_space(SPACES / "regnetx_pycls.yaml")


def test_every_network_is_in_the_window_by_a_count_of_its_own() -> None:
    for sample in Sampler(space=CONVNEXT, budget=BUDGET).samples(300):
        assert BUDGET.contains(cost(sample.architecture).flops)
        assert sample.cost == cost(sample.architecture)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 2**32 - 1))
def test_a_network_depends_on_space_budget_seed_and_its_number_alone(index: int, seed: int) -> None:
    sampler = Sampler(space=CONVNEXT, budget=BUDGET, seed=seed)
    fresh = Sampler(space=DesignSpace(**CONVNEXT.definition()), budget=BUDGET, seed=seed)
    among = sampler.batch(np.array([index + 3, index, 0]))
    assert sampler.sample(index) == fresh.sample(index) == among.sample(1)


def test_values_of_one_space_do_not_become_those_of_another_that_equal_them() -> None:
    for choice, kind in (([True, None], bool), ([1, None], int)):  # 1 == True
        name = "bias" if kind is bool else "groups"
        space = changed(**{name: {"choice": choice}})
        batch = Sampler(space=space, budget=BUDGET).batch(np.arange(20))
        kinds = {type(value) for value in batch.drawer.slot(name, batch.draft.draws)}
        assert kinds == {kind, type(None)}


@pytest.mark.parametrize("design", [Design(), Design(kind="sobol"), Design(kind="latin_hypercube")])
@pytest.mark.parametrize("population", ["solved", "conditioned"])
def test_a_longer_study_keeps_the_networks_of_a_shorter_one(
    design: Design, population: str
) -> None:
    if population == "conditioned":
        if design != Design():
            pytest.skip("a conditioned population is drawn independently")
        sampler = Sampler(
            space=PYCLS, budget=Budget.parse("300-500MFLOPs"), population="conditioned"
        )
    else:
        sampler = Sampler(space=CONVNEXT, budget=BUDGET, design=design, stratify=("stem",))
    few, more = (list(sampler.samples(count)) for count in (7, 300))
    assert more[:7] == few
    assert sampler.sample(299) == more[299]


def test_network_17_of_seed_0_is_the_same_on_every_machine_and_in_every_version() -> None:
    found = Sampler(space=CONVNEXT, budget=BUDGET).sample(17).architecture
    assert found.hash == "a706269507b0"


def test_another_seed_or_space_gives_other_networks() -> None:
    other = changed(act_layer={"choice": ["gelu", "relu", "silu"]})
    shapes = {
        sampler.sample(0).architecture.depths + sampler.sample(1).architecture.dims
        for sampler in (
            Sampler(space=CONVNEXT, budget=BUDGET),
            Sampler(space=CONVNEXT, budget=BUDGET, seed=1),
            Sampler(space=other, budget=BUDGET),
        )
    }
    assert len(shapes) == 3


def test_the_shapes_are_the_same_at_every_budget() -> None:
    """So two budgets of a space are compared with common random numbers."""
    small, large = (
        Sampler(space=CONVNEXT, budget=Budget.parse(text)).batch(np.arange(50))
        for text in ("1GFLOPs", "4.5GFLOPs")
    )
    alike = 0
    for row in range(50):
        one, other = small.architecture(row), large.architecture(row)
        alike += one == dataclasses.replace(other, dims=one.dims)
    assert alike >= 48  # but for the shapes that one of the budgets refuses


@pytest.mark.parametrize("change", [{"description": "other words"}, {"name": "renamed"}])
def test_name_and_prose_of_a_space_do_not_change_the_networks(change: dict[str, str]) -> None:
    reworded = DesignSpace.model_validate({**CONVNEXT.definition(), **change})
    one, other = (Sampler(space=space, budget=BUDGET).sample(3) for space in (CONVNEXT, reworded))
    assert one == other


def test_the_widest_width_allowed_does_not_move_the_others() -> None:
    growth = {"per_stage": {"log_uniform": [1.25, 2.75]}}
    shared = {"growth": growth, "multiple_of": 8, "minimum": 16}
    narrow, wide = (
        Sampler(space=changed(dims=shared | {"maximum": most}), budget=BUDGET).drawer
        for most in (2048, 65536)
    )
    from dse.space.sampling.draft import draft

    points = np.random.default_rng(0).random((200, len(narrow.columns)))
    one, other = (draft(drawer, BUDGET, "solved", points) for drawer in (narrow, wide))
    both = (one.reasons == "") & (other.reasons == "")
    assert both.sum() > 150
    np.testing.assert_array_equal(one.dims[both], other.dims[both])


def test_the_widest_networks_of_the_largest_images_overflow_nothing() -> None:
    space = changed(
        depths=1000, kernel_sizes=255, expansion_ratio=64, dims={"growth": 1, "maximum": 65536}
    )
    budget = Budget(target=1e17, resolution=4096)
    for sample in Sampler(space=space, budget=budget).samples(3):
        assert budget.contains(sample.cost.flops)
        assert sample.cost == cost(sample.architecture, resolution=4096)


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        (
            Budget.parse("4.5GFLOPs", tolerance="0.00001%"),
            r"\d+ no allowed widths.* widen --tolerance, or lower dims\.multiple_of, which is 512",
        ),
        (Budget(target=4.5e9, resolution=16), "--resolution 16: is too small an image"),
    ],
)
def test_what_no_shape_can_meet_is_told_with_the_reason(budget: Budget, words: str) -> None:
    coarse = {"growth": 1, "multiple_of": 512, "minimum": 512}
    space = changed(dims=coarse, downsampling="separate")
    with pytest.raises(UserError, match=words):
        Sampler(space=space, budget=budget).sample(0)


@pytest.mark.parametrize("budget", ["1MFLOPs", "100TFLOPs"])
def test_an_impossible_budget_is_refused_with_the_feasible_range(budget: str) -> None:
    with pytest.raises(UserError, match=r"cost from \d+\.\d+ MFLOPs to \d+\.\d+ GFLOPs"):
        Sampler(space=CONVNEXT, budget=Budget.parse(budget)).sample(0)


def test_shapes_too_deep_for_a_small_image_are_refused_and_the_others_drawn() -> None:
    sampler = Sampler(space=CONVNEXT, budget=Budget(target=1e8, resolution=16))
    samples = list(sampler.samples(20))
    assert {sample.architecture.downsampling for sample in samples} == {"in_block"}
    refusals = sum((sample.refusals for sample in samples), Counter[str]())
    assert refusals["too small an image for its stages"] > 5


@pytest.mark.parametrize("design", [Design(), Design(kind="sobol"), Design(kind="latin_hypercube")])
def test_choices_keep_their_prior_at_the_budget(design: Design) -> None:
    batch = Sampler(space=CONVNEXT, budget=BUDGET, design=design).batch(np.arange(4096))
    worst = 1.0
    for name, prior in CONVNEXT.slots.items():
        if prior.values is None or prior.is_fixed:
            continue
        drawn = batch.drawer.slot(name, batch.draft.draws).tolist()
        observed = np.array([drawn.count(value) for value in prior.values])
        assert prior.probabilities is not None
        worst = min(worst, stats.chisquare(observed, 4096 * prior.probabilities).pvalue)
    assert worst > 1e-3


def test_a_hundred_thousand_networks_meet_the_window_and_keep_the_priors() -> None:
    """With 18 slots and 60 values one in a hundred seeds would miss by chance."""
    sampler = Sampler(space=CONVNEXT, budget=BUDGET)
    batch = sampler.batch(np.arange(100_000))
    for row in range(0, 100_000, 50):
        assert BUDGET.contains(cost(batch.architecture(row)).flops)
    assert all(BUDGET.contains(flops) for flops in batch.draft.costs[:, 0])
    refused = sum(counter.total() for counter in batch.refusals)
    assert 100_000 / (100_000 + refused) >= 0.99
    smallest = []
    for name in batch.drawer.columns:
        drawn, prior = batch.drawer.slot(name, batch.draft.draws), CONVNEXT.slots[name]
        if prior.values is None:
            uniform = np.log(drawn / 1.25) / np.log(2.75 / 1.25)
            smallest.append(stats.kstest(uniform, "uniform").pvalue)
        else:
            counts = Counter(drawn.tolist())
            observed = [counts[value] for value in prior.values]
            assert prior.probabilities is not None
            smallest.append(stats.chisquare(observed, 1e5 * prior.probabilities).pvalue)
    assert len(smallest) == 21
    assert min(smallest) * len(smallest) > 0.01


def test_limits_beside_the_target_hold_and_are_counted() -> None:
    budget = Budget.parse(["4.5GFLOPs", "params<=30M", "activations<=25M"])
    samples = list(Sampler(space=CONVNEXT, budget=budget).samples(100))
    assert all(s.cost.params <= 30e6 and s.cost.activations <= 25e6 for s in samples)
    refusals = sum((sample.refusals for sample in samples), Counter[str]())
    assert refusals["above the limit on params"] > 10
    assert refusals["above the limit on activations"] > 10


def test_measured_limits_ask_whoever_measures() -> None:
    asked = []

    def measure(architecture: Architecture) -> dict[str, float]:
        asked.append(architecture)
        return {"latency": 0.001 * sum(architecture.depths), "memory": 1.0}

    budget = Budget.parse(["4.5GFLOPs", "latency<=12ms"])
    samples = list(Sampler(space=CONVNEXT, budget=budget, measure=measure).samples(20))
    assert max(sum(s.architecture.depths) for s in samples) <= 12
    assert len(asked) == 20 + sum(s.refusals["above the limit on latency"] for s in samples)


def test_a_measured_limit_that_nothing_meets_is_given_up_soon() -> None:
    asked = []

    def measure(architecture: Architecture) -> dict[str, float]:
        asked.append(architecture)
        return {"latency": 1.0}

    budget = Budget.parse(["4.5GFLOPs", "latency<=12ms"])
    with pytest.raises(UserError, match="85 above the limit on latency"):
        Sampler(space=CONVNEXT, budget=budget, measure=measure).sample(0)
    assert len(asked) == 85


def test_a_measured_limit_waits_for_networks_in_the_window() -> None:
    budget = Budget.parse(["360-400MFLOPs", "latency<=1s"])
    sampler = Sampler(
        space=PYCLS,
        budget=budget,
        population="conditioned",
        measure=lambda architecture: {"latency": 0.5},
    )
    assert len(list(sampler.samples(3))) == 3


def test_conditioned_widths_lie_on_the_lattice() -> None:
    dims = {"growth": {"per_stage": {"uniform": [1, 2]}}, "first": {"uniform": [30, 90]}}
    sampler = Sampler(
        space=changed(dims=dims), budget=Budget.parse("3-6GFLOPs"), population="conditioned"
    )
    dims_drawn = sampler.batch(np.arange(50)).draft.dims
    assert (dims_drawn % 8 == 0).all()


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"block_order": "basic", "kernel_sizes": 3}, "a basic block needs groups"),
        ({"stem_width": 32, "downsampling": "separate", "stem": "patch"}, "stem_width 32 differs"),
    ],
)
def test_a_space_of_nothing_that_can_be_built_says_why(
    parameters: dict[str, Any], words: str
) -> None:
    with pytest.raises(UserError, match=f"none of its networks can be built: {words}"):
        Sampler(space=changed(**parameters), budget=BUDGET).sample(0)


def test_a_conditioned_population_is_the_prior_in_the_window() -> None:
    """Against plain rejection in plain words."""
    budget = Budget.parse("3-6GFLOPs")
    space = changed(
        depths={"per_stage": {"choice": [1, 2, 4]}},
        dims={"growth": {"per_stage": {"choice": [1, 2]}}, "first": {"choice": [32, 64, 128]}},
        kernel_sizes=7, stem="patch", block_order="spatial_first", downsampling="separate",
    )  # fmt: skip
    batch = Sampler(space=space, budget=budget, population="conditioned").batch(np.arange(2000))
    rng = np.random.default_rng(0)
    expected: Counter[tuple[int, ...]] = Counter()
    while expected.total() < 2000:
        dims = np.cumprod([rng.choice([32, 64, 128]), *rng.choice([1, 2], size=3)])
        network = Architecture(
            depths=tuple(int(d) for d in rng.choice([1, 2, 4], size=4)),
            dims=tuple(int(d) for d in dims),
            expansion_ratio=float(rng.choice(np.arange(1, 6.5, 0.5))),
        )
        if budget.contains(cost(network).flops):
            expected[network.dims[:2]] += 1
    found = Counter(tuple(row) for row in batch.draft.dims[:, :2].tolist())
    table = np.array([[found[key], expected[key]] for key in found | expected])
    table = table[table.sum(axis=1) >= 10]
    assert stats.chi2_contingency(table).pvalue > 1e-3


def test_a_conditioned_population_needs_a_prior_of_widths_and_independent_points() -> None:
    with pytest.raises(UserError, match="give first beside growth, or per_stage"):
        Sampler(space=CONVNEXT, budget=BUDGET, population="conditioned")
    with pytest.raises(UserError, match="rejection, so with independent points, not with sobol"):
        Sampler(space=PYCLS, budget=BUDGET, population="conditioned", design=Design(kind="sobol"))


def test_regnetx_reproduces_the_acceptance_of_plain_rejection() -> None:
    """0.54 % of all draws of pycls's sampler lie from 360 to 400 MFLOPs."""
    sampler = Sampler(space=PYCLS, budget=Budget.parse("360-400MFLOPs"), population="conditioned")
    batch = sampler.batch(np.arange(1000))
    draws = 1000 + sum(counter.total() for counter in batch.refusals)
    share = stats.binomtest(1000, draws).proportion_ci(0.999)
    assert share.low < 0.0054 < share.high


def test_equal_networks_are_found_and_kept() -> None:
    space = changed(
        **dict.fromkeys(("depths", "norms_per_block", "acts_per_block"), 1),
        kernel_sizes={"shared": {"choice": [3, 5]}},
        dims={"growth": 2},
        expansion_ratio=4,
        **{n: getattr(Architecture(), n) for n in ("block_order", "norm_layer", "act_layer")},
        **{n: getattr(Architecture(), n) for n in ("pointwise", "stem", "downsampling")},
        ls_init_value=None,
    )
    samples = list(Sampler(space=space, budget=BUDGET).samples(10))
    copies = duplicates(samples)
    assert len(copies) == 8
    assert all(
        samples[i].architecture == samples[first].architecture for i, first in copies.items()
    )
    assert all(first < i for i, first in copies.items())


def test_a_predicate_on_solved_widths_is_kept() -> None:
    data = CONVNEXT.definition() | {"require": ["dims[4] <= 6 * dims[1]", "sum(depths) <= 20"]}
    samples = list(Sampler(space=DesignSpace(**data), budget=BUDGET).samples(100))
    for sample in samples:
        assert sample.architecture.dims[3] <= 6 * sample.architecture.dims[0]
        assert sum(sample.architecture.depths) <= 20
    refusals = sum((sample.refusals for sample in samples), Counter[str]())
    assert refusals["require 'dims[4] <= 6 * dims[1]'"] > 10
    assert refusals["require 'sum(depths) <= 20'"] > 5
