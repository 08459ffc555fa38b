"""Eight layers of a complete, really trained space as steps: all 256 sets are known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dse.analysis.order.game import game_of
from dse.analysis.order.interactions import interactions
from dse.analysis.order.plan import plan
from dse.analysis.order.shapley import contributions
from dse.analysis.order.walk import Walk

DATA = Path(__file__).parents[4] / "shared" / "data" / "nas-bench-macro_cifar10.json"
WALK = Walk(steps=tuple(f"layer {layer}" for layer in range(8)))


@pytest.fixture(scope="module")
def errors() -> np.ndarray:
    """Errors (256, 3 seeds) of the networks whose layers are identities (0) or choice 1."""
    if not DATA.exists():
        pytest.skip("the published space is not beside this repository (../shared/data)")
    with DATA.open(encoding="utf-8") as file:
        space = json.load(file)
    keys = ["".join(str(number >> layer & 1) for layer in range(8)) for number in range(256)]
    return 1 - np.array([space[key]["test_acc"] for key in keys]) / 100


def test_every_layer_lowers_the_error_and_the_values_sum_to_the_whole(errors):
    sets = np.repeat(np.arange(256), 3)
    found = contributions(game_of(WALK, sets, errors.ravel()))
    assert all(step.shapley.upper < 0 for step in found)
    total = errors[255].mean() - errors[0].mean()
    assert sum(step.shapley.value for step in found) == pytest.approx(total)


def test_layers_replace_each_other_so_that_alone_they_do_more_than_at_last(errors):
    whole = game_of(WALK, np.repeat(np.arange(256), 3), errors.ravel())
    for step in contributions(whole):
        assert step.alone is not None
        assert step.removed is not None
        assert step.alone.value < step.shapley.value < step.removed.value
    assert all(pair.index and pair.index.lower > 0 for pair in interactions(whole))


def test_a_few_orders_with_two_seeds_cover_the_exact_values(errors):
    exact = contributions(game_of(WALK, np.arange(256), errors.mean(axis=1)))
    rng = np.random.default_rng(0)
    held = []
    for seed in range(60):
        design = plan(WALK, 20, seed=seed)
        sets = np.repeat(design.sets, 2)
        noisy = game_of(WALK, sets, errors[sets, rng.integers(3, size=len(sets))])
        for one, truth in zip(contributions(noisy, design.orders), exact, strict=True):
            held.append(one.shapley.lower <= truth.shapley.value <= one.shapley.upper)
    assert 0.92 < np.mean(held) < 0.98
