from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from dse.architecture import Architecture, cost
from dse.architecture.catalog import CATALOG
from dse.errors import UserError
from dse.network.measure.scores import BASELINES, IMAGES, SCORE_NAMES, score_networks
from dse.proxy.datasets import load_dataset
from dse.proxy.device_data import DeviceData
from dse.proxy.recipe import Proxy
from dse.proxy.zero_cost import SCORES, zero_cost
from dse.space import Budget, Sampler
from dse.space.language.design_space import load_space
from dse.study.scorer import make_model

CPU = torch.device("cpu")
PROXY = Proxy.model_validate(
    {
        "dataset": {"classes": 4, "train_per_class": 20, "test_per_class": 1},
        "channels": 0.125,
        "resolution": 32,
        "recipe": {"batch_size": 16},
    }
)
SPACES = Path(__file__).parents[2] / "spaces"


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def sampled(name: str, count: int) -> list[Architecture]:
    budget = Budget.parse("1GFLOPs", tolerance="5%")
    sampler = Sampler(space=load_space(SPACES / f"{name}.yaml"), budget=budget)
    return [sample.architecture for sample in sampler.samples(count)]


@pytest.mark.parametrize("name", ["convnext_space", "roadmap_space", "anynetx_a"])
def test_scores_of_sampled_networks_are_finite_and_the_same_twice(name: str) -> None:
    networks = sampled(name, 2)
    random, threads = torch.get_rng_state(), torch.get_num_threads()
    found = score_networks(networks, proxy=PROXY, device=CPU)
    assert [tuple(one.name for one in row) for row in found] == [SCORE_NAMES] * 2
    assert all(math.isfinite(one.value) for row in found for one in row)
    assert len({row[0].value for row in found}) == 2
    assert score_networks(networks[:1], proxy=PROXY, device=CPU) == found[:1]
    other = score_networks(networks[:1], proxy=PROXY, device=CPU, seed=1)
    changed = [a.value != b.value for a, b in zip(other[0], found[0], strict=True)]
    assert changed == [True] * len(SCORES) + [False] * len(BASELINES)
    assert torch.equal(torch.get_rng_state(), random)
    assert torch.get_num_threads() == threads


def test_the_baselines_are_logarithms_of_the_network_at_the_proxy() -> None:
    network = CATALOG["convnext_tiny"]
    (row,) = score_networks([network], proxy=PROXY, device=CPU)
    paper = cost(network.scaled(0.125), resolution=32, in_channels=1, classes=4)
    found = {one.name: one.value for one in row}
    assert found["log_flops"] == math.log(paper.flops)
    assert found["log_params"] == math.log(paper.params)


def test_scores_are_of_the_weights_that_a_training_with_the_seed_starts_from() -> None:
    network = CATALOG["mobilenetv2_style"]
    data = DeviceData(load_dataset(PROXY.dataset, resolution=32), CPU)
    torch.manual_seed(7)
    model = make_model(network.to_dict(), PROXY, data)
    order = torch.randperm(80, generator=torch.Generator().manual_seed(7))
    expected = zero_cost(model, *data.train_batch(order[:16]), seed=7)
    (row,) = score_networks([network], proxy=PROXY, device=CPU, seed=7)
    for one in row[: len(SCORES)]:
        assert one.value == pytest.approx(expected[one.name], rel=1e-9)


def test_a_score_says_what_it_was_computed_from() -> None:
    large = PROXY.model_copy(update={"recipe": PROXY.recipe.model_copy(update={"batch_size": 64})})
    for proxy, images in ((PROXY, 16), (large, IMAGES)):
        (row,) = score_networks([CATALOG["mobilenetv2_style"]], proxy=proxy, device=CPU)
        for one in row:
            assert (one.n, one.low, one.high, one.unit) == (1, None, None, "1")
            assert (one.batch, one.resolution, one.dtype) == (images, 32, "float64")
            assert one.threads == torch.get_num_threads()


def test_images_too_small_for_a_network_are_refused() -> None:
    tiny = PROXY.model_copy(update={"resolution": 16})
    with pytest.raises(UserError, match="too small for 4 stages"):
        score_networks([CATALOG["convnext_isotropic_small"], CATALOG["convnext_tiny"]],
                       proxy=tiny, device=CPU)  # fmt: skip
