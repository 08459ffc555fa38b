"""The shipped spaces hold what they promise, at budgets that suit them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from dse.architecture import cost
from dse.architecture.roadmap import FROM_RESNET50, Step
from dse.space import Budget, Sampler, load_space
from dse.space.language.schema import space_schema
from dse.space.language.size import log10_size
from dse.space.sampling.shapes import WRONG_STAGES, Drawer
from tests.spaces import SPACES

FILES = sorted(SPACES.glob("*.yaml"))
GIGA = ("1GFLOPs", "4.5GFLOPs", "15GFLOPs")
MANY = ("9GFLOPs", "15GFLOPs", "30GFLOPs")
MEGA = ("200MFLOPs", "360-400MFLOPs", "600MFLOPs")
BUDGETS = {
    **dict.fromkeys((f"anynetx_{letter}" for letter in "abcde"), (0.3, MEGA)),
    **dict.fromkeys((f"anynext_{letter}" for letter in "abcde"), (0.99, MANY)),
    **dict.fromkeys(("convnext_space", "convnextv2_space", "linear_or_conv_space"), (0.99, GIGA)),
    "isotropic_space": (0.99, ("2GFLOPs", "4.5GFLOPs", "15GFLOPs")),
    "regnext": (0.99, GIGA),
    "regnetx": (0.75, MEGA),
    "regnetx_pycls": (0.99, ("6GFLOPs", "8GFLOPs", "12GFLOPs")),
    "roadmap_space": (0.99, ("4.5GFLOPs", "8GFLOPs", "15GFLOPs")),
}
"""The least share of shapes that can meet each of three budgets. The published AnyNetX and RegNetX
end at 1024 or few channels, and group widths leave few widths to choose from: more is refused."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_shipped_space_meets_its_budgets_and_wastes_few_draws(path: Path) -> None:
    least, budgets = BUDGETS[path.stem]
    space = load_space(path)
    for text in budgets:
        budget = Budget.parse(text)
        samples = list(Sampler(space=space, budget=budget).samples(1000))
        for sample in samples[:200]:
            assert cost(sample.architecture) == sample.cost
        assert all(budget.contains(sample.cost.flops) for sample in samples)
        refused = sum((sample.refusals for sample in samples), Counter[str]())
        draws = 1000 + refused.total() - refused[WRONG_STAGES]
        assert 1000 / draws >= least, (text, refused)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_drawn_choice_has_a_description_and_a_source(path: Path) -> None:
    space = load_space(path)
    for name, parameter in space.parameters.given.items():
        drawn = any(
            slot.partition(".")[0] == name and not prior.is_fixed
            for slot, prior in space.slots.items()
        )
        if drawn or name == "dims":
            assert parameter.description, name
            assert parameter.source, name


def test_the_convnext_space_frees_every_choice_of_the_modernization_walk() -> None:
    space = load_space(SPACES / "convnext_space.yaml")
    free = {name.split(".")[0] for name, prior in space.slots.items() if not prior.is_fixed}
    assert free == {
        "depths", "dims", "kernel_sizes", "expansion_ratio", "block_order", "norm_layer",
        "act_layer", "norms_per_block", "acts_per_block", "pointwise", "stem", "downsampling",
        "ls_init_value",
    }  # fmt: skip


def test_the_roadmap_space_is_every_combination_of_its_steps() -> None:
    space = load_space(SPACES / "roadmap_space.yaml")
    assert log10_size(space) == pytest.approx(np.log10(2**11))
    sampler = Sampler(space=space, budget=Budget.parse("4.5GFLOPs", tolerance="2%"))
    batch = sampler.batch(np.arange(30_000))
    slots = (batch.drawer.slot(name, batch.draft.draws) for name in batch.drawer.columns)
    codes = [np.unique(values.astype(str), return_inverse=True)[1] for values in slots]
    assert len(np.unique(np.stack(codes), axis=1).T) == 2**11


@pytest.mark.parametrize("step", [s for s in FROM_RESNET50 if s.number not in (8, 10, 11)])
def test_each_step_of_the_walk_is_a_point_of_the_roadmap_space(step: Step) -> None:
    """But for widths, which the budget sets, layer scale, and Linear for the same 1x1 conv."""
    drawer = Drawer(load_space(SPACES / "roadmap_space.yaml"))
    network = step.architecture
    for name, values in drawer.values.items():
        if name not in ("stem_ratio", "ls_init_value", "pointwise"):
            assert values is not None
            assert getattr(network, name) in values, name
    assert network.depths in (drawer.space.parameters.depths.any_of or ())
    assert network.kernel_sizes[0] in (drawer.space.slots["kernel_sizes"].values or ())
    assert network.expansion_ratio in (drawer.space.slots["expansion_ratio"].values or ())


def test_the_schema_beside_the_spaces_is_that_of_this_version() -> None:
    assert json.loads((SPACES / "space.schema.json").read_text()) == space_schema()
