from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from dse.errors import UserError
from dse.space import Budget, Sampler
from tests.spaces import CONVNEXT, changed

BUDGET = Budget.parse("4.5GFLOPs")


def test_every_combination_comes_once_in_every_block() -> None:
    sampler = Sampler(space=CONVNEXT, budget=BUDGET, stratify=("norm_layer", "stem", "act_layer"))
    networks = [sample.architecture for sample in sampler.samples(72)]
    for block in range(3):
        part = networks[24 * block : 24 * block + 24]
        assert len({(a.norm_layer, a.stem, a.act_layer) for a in part}) == 24


def test_unequal_values_come_as_often_as_their_prior_says() -> None:
    space = changed(kernel_sizes={"shared": {"log_uniform": [3, 7], "step": 2}})
    sampler = Sampler(space=space, budget=BUDGET, stratify=("kernel_sizes",))
    found = Counter(s.architecture.kernel_sizes[0] for s in sampler.samples(3 * 200))
    prior = space.slots["kernel_sizes"]
    assert prior.probabilities is not None
    for value, probability in zip((3, 5, 7), prior.probabilities, strict=True):
        assert abs(found[value] / 600 - probability) < 0.03


def test_a_refused_shape_is_drawn_again_in_its_stratum() -> None:
    budget = Budget.parse(["4.5GFLOPs", "params<=22M"])
    sampler = Sampler(space=CONVNEXT, budget=budget, stratify=("pointwise", "norm_layer"))
    samples = list(sampler.samples(40))
    assert sum(sample.refusals.total() for sample in samples) > 10
    found = Counter((s.architecture.pointwise, s.architecture.norm_layer) for s in samples)
    assert set(found.values()) == {10}


def test_the_order_within_a_block_is_random() -> None:
    sampler = Sampler(space=CONVNEXT, budget=BUDGET, stratify=("stem",))
    orders = {
        tuple(sampler.sample(i).architecture.stem for i in range(3 * block, 3 * block + 3))
        for block in range(20)
    }
    assert len(orders) > 3
    assert np.mean([order[0] == "patch" for order in orders]) < 1


@pytest.mark.parametrize("name", ["dims", "dims.growth.1", "depths.1", "grn", "wings"])
def test_what_cannot_be_stratified_is_refused_with_what_can(name: str) -> None:
    with pytest.raises(UserError, match=r"--stratify .*norm_layer.*pointwise"):
        Sampler(space=CONVNEXT, budget=BUDGET, stratify=(name,))
