"""One suite over all zero-cost scores, and what each of them is by hand."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from dse.proxy.zero_cost import JITTER, SCORES, SMALLEST, Score, zero_cost

BY_NAME: dict[str, Score] = {score.name: score for score in SCORES}
each_score = pytest.mark.parametrize("score", SCORES, ids=lambda score: score.name)


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Residual(nn.Module):
    def __init__(self, branch: nn.Module) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)


class Dead(nn.Module):
    """A network whose output says nothing."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return 0 * self.network(x)


def batch_norm_network() -> nn.Module:
    branch = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
    return nn.Sequential(
        nn.Conv2d(3, 8, 4, 4), Residual(branch), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Dropout(0.3), nn.Linear(8, 5),
    )  # fmt: skip


def gelu_network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 4, 4), nn.GroupNorm(1, 8), nn.GELU(), nn.Flatten(), nn.Linear(128, 5)
    )


def mlp() -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(768, 16, bias=False), nn.ReLU(), nn.Linear(16, 5, bias=False)
    )


NETWORKS: list[Callable[[], nn.Module]] = [batch_norm_network, gelu_network, mlp]


def made(kind: Callable[[], nn.Module], seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return kind()


def batch(seed: int = 0, count: int = 12) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    images = torch.randn(count, 3, 16, 16, generator=random)
    return images, torch.arange(count) % 5


def value(score: Score, model: nn.Module, data: tuple[Tensor, Tensor] | None = None) -> float:
    return zero_cost(model, *(data or batch()), seed=0)[score.name]


@each_score
@pytest.mark.parametrize("kind", NETWORKS)
def test_a_score_is_finite_the_same_twice_and_leaves_no_trace(
    score: Score, kind: Callable[[], nn.Module]
) -> None:
    model = made(kind)
    before = copy.deepcopy(model.state_dict())
    random = torch.get_rng_state()
    first = value(score, model)
    assert math.isfinite(first)
    assert value(score, model) == first
    assert torch.equal(torch.get_rng_state(), random)
    assert value(score, made(kind)) == first
    assert model.training
    assert all(p.grad is None for p in model.parameters())
    for name, tensor in model.state_dict().items():
        assert tensor.dtype == before[name].dtype
        assert torch.equal(tensor, before[name])


@each_score
@pytest.mark.parametrize("kind", NETWORKS)
def test_a_network_with_a_dead_output_has_the_lowest_score(
    score: Score, kind: Callable[[], nn.Module]
) -> None:
    lowest = {
        "synflow": SMALLEST,
        "grad_norm": 0.0,
        "snip": 0.0,
        "jacob_cov": -12 * (math.log(JITTER) + 1 / JITTER),
    }[score.name]
    assert value(score, Dead(made(kind))) == pytest.approx(lowest)
    assert value(score, made(kind)) > lowest + 1e-3


@each_score
def test_the_order_of_the_images_does_not_matter(score: Score) -> None:
    model = made(batch_norm_network)
    model[4] = nn.Identity()  # dropout draws image by image
    images, labels = batch()
    turned = (images.flip(0), labels.flip(0))
    assert value(score, model, turned) == pytest.approx(value(score, model), rel=1e-9)


@each_score
def test_only_the_synaptic_flow_does_not_look_at_the_images(score: Score) -> None:
    model = made(gelu_network)
    same = value(score, model, batch(seed=1)) == value(score, model)
    assert same == (score.name == "synflow")


@each_score
def test_what_scaling_one_layer_up_and_the_next_down_changes(score: Score) -> None:
    """Of a ReLU network it leaves the function as it was, and all scores but the gradient's."""
    model = made(mlp)
    scaled = copy.deepcopy(model)
    with torch.no_grad():
        scaled[1].weight *= 4
        scaled[3].weight /= 4
    images, _ = batch()
    torch.testing.assert_close(scaled(images), model(images))
    kept = value(score, scaled) == pytest.approx(value(score, model), rel=1e-9)
    assert kept == (score.name != "grad_norm")


@each_score
def test_a_score_stands_in_the_documents_with_its_formula_and_paper(score: Score) -> None:
    page = (Path(__file__).parents[2] / "docs" / "method.md").read_text(encoding="utf-8")
    formula = score.formula.replace("|", "\\|")
    assert f"\n| `{score.name}` | {formula} | {score.paper} |\n" in page


def test_snip_does_not_see_the_scale_of_weights_before_a_batch_norm() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 6, 4, 4, bias=False),
        nn.BatchNorm2d(6, eps=1e-12),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(96, 5),
    )
    scaled = copy.deepcopy(model)
    with torch.no_grad():
        scaled[0].weight *= 8
    found = value(BY_NAME["snip"], scaled)
    assert found == pytest.approx(value(BY_NAME["snip"], model), rel=1e-9)


def test_the_synaptic_flow_is_the_sum_over_paths_times_their_layers() -> None:
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(2, 2, bias=False), nn.GELU(), nn.Linear(2, 1, bias=False)
    )
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor([[1.0, -2.0], [3.0, 4.0]]))
        model[3].weight.copy_(torch.tensor([[-5.0, 0.5]]))
    through = (1 + 2) * 5 + (3 + 4) * 0.5
    images = torch.zeros(3, 2, 1, 1)
    found = value(BY_NAME["synflow"], model, (images, torch.zeros(3, dtype=torch.int64)))
    assert found == pytest.approx(math.log(2 * through))


def test_the_synaptic_flow_of_a_very_deep_network_does_not_overflow() -> None:
    torch.manual_seed(0)
    layers = [Residual(nn.Conv2d(256, 256, 1)) for _ in range(200)]
    end = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 5))
    model = nn.Sequential(nn.Conv2d(3, 256, 8, 8), *layers, *end)
    found = value(BY_NAME["synflow"], model, batch(count=2))
    assert 400 < found < 700  # single precision ends at 88


def test_gradients_of_a_linear_classifier_are_those_on_paper() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3, bias=False))
    with torch.no_grad():
        model[1].weight.copy_(torch.arange(12.0).view(3, 4) / 10)
    image, label = torch.tensor([[1.0, -2.0, 0.5, 3.0]]), 1
    weight = model[1].weight.detach()
    wrong = torch.softmax(image @ weight.T, 1) - nn.functional.one_hot(torch.tensor(label), 3)
    data = (image.view(1, 4, 1, 1), torch.tensor([label]))
    norm = float(wrong.norm() * image.norm())
    assert value(BY_NAME["grad_norm"], model, data) == pytest.approx(norm, rel=1e-5)
    sensitivity = float((weight * (wrong.T @ image)).abs().sum())
    assert value(BY_NAME["snip"], model, data) == pytest.approx(sensitivity, rel=1e-5)


def test_images_that_all_pull_the_same_way_are_wholly_correlated() -> None:
    linear = nn.Sequential(nn.Flatten(), nn.Linear(768, 5))
    eigenvalues = torch.tensor([12.0] + 11 * [0.0], dtype=torch.float64) + JITTER
    expected = -float((eigenvalues.log() + 1 / eigenvalues).sum())
    assert value(BY_NAME["jacob_cov"], linear) == pytest.approx(expected, rel=1e-3)
    assert value(BY_NAME["jacob_cov"], made(mlp)) > 0.9 * expected


def test_images_normalised_together_still_have_gradients_of_their_own() -> None:
    """The sum over a batch of what batch norm gives is constant; its gradient is rounding alone."""
    model = nn.Sequential(
        nn.Conv2d(3, 8, 4, 4), nn.ReLU(), nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5),
    )  # fmt: skip
    images, labels = batch()
    found = value(BY_NAME["jacob_cov"], model)
    nudged = value(BY_NAME["jacob_cov"], model, (images * (1 + 1e-7), labels))
    assert found == pytest.approx(nudged, rel=1e-3)
