"""What can only be seen on a GPU; run it there with `python -m pytest tests/proxy/test_gpu.py`."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from dse.architecture import Architecture
from dse.network import build
from dse.proxy import depthwise, loop
from dse.proxy.convolution import fast_convolution
from dse.proxy.datasets import FractalSpec, load_dataset
from dse.proxy.depthwise import WAYS, Geometry
from dse.proxy.device import reproducible
from dse.proxy.device_data import DeviceData
from dse.proxy.graph import CudaCapture
from dse.proxy.loop import Run
from dse.proxy.memory import training_memory
from dse.proxy.recipe import Proxy
from dse.proxy.runner import WARM_UP
from dse.proxy.step import TrainingStep
from dse.proxy.task import Task
from dse.proxy.trainer import TrainResult, train
from tests.proxy.replay import Eager

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")

GPU = torch.device("cuda")
PROXY = Proxy(dataset=FractalSpec(classes=4, train_per_class=64, test_per_class=25), epochs=6)
AUGMENT = {"flip": True, "pad_crop": 2, "mixup": 0.2, "cutmix": 1.0, "erase": 0.5}
RECIPES: list[dict[str, Any]] = [
    {},
    {"optimizer": "sgd", "learning_rate": 0.05, "weight_decay": 1e-4},
    {"ema": 0.9},
    {"augment": AUGMENT},
    {"augment": {"resized_crop": (0.5, 1.0)}},
    {"micro_batch": 24},
    {"precision": "float32"},
]
NETWORKS = {
    "batch norm": Architecture(
        depths=(1, 1, 2, 1), dims=(16, 32, 64, 128), norm_layer="batch_norm"
    ),
    "convnext": Architecture(depths=(1, 1, 2, 1), dims=(16, 32, 64, 128)),
    "drop path": Architecture(depths=(1, 1, 2, 1), dims=(16, 32, 64, 128), drop_path_rate=0.2),
}


@pytest.fixture(autouse=True)
def own_choices(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: Any) -> Any:
    """Kernels are chosen for these tests alone, and once for all of them."""
    monkeypatch.setattr(CudaCapture, "_broken", None)
    folder = tmp_path_factory.getbasetemp() / "choices"
    monkeypatch.setattr(depthwise, "cache_folder", lambda: folder)


def data(streamed: bool | None = None) -> DeviceData:
    stored = load_dataset(PROXY.dataset, resolution=PROXY.resolution)
    return DeviceData(stored, GPU, streamed=streamed)


def asked(epochs: int = 6, **recipe: Any) -> Proxy:
    settings = PROXY.model_dump() | {"epochs": epochs}
    return Proxy.model_validate(settings | {"recipe": settings["recipe"] | recipe})


def network(architecture: Architecture) -> nn.Module:
    torch.manual_seed(0)
    return build(architecture, in_channels=1, classes=4)


def trained(architecture: Architecture, epochs: int = 6, **recipe: Any) -> TrainResult:
    return train(network(architecture), data(), asked(epochs, **recipe), seed=0, device=GPU)


def task(parts: int = 1, **recipe: Any) -> Task:
    return Task(
        data=data(), proxy=asked(**recipe), seed=0, device=GPU, dtype=torch.bfloat16, parts=parts
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_learns_on_the_gpu_in_bfloat16(name: str) -> None:
    result = trained(NETWORKS[name], 16)
    assert (result.state, result.device, result.dtype) == ("complete", "cuda", "bfloat16")
    assert result.execution == "captured"
    assert result.error is not None
    assert result.error < 0.6  # chance is 0.75


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_captured_training_is_that_of_eager_steps(
    monkeypatch: pytest.MonkeyPatch, recipe: dict[str, Any]
) -> None:
    captured = trained(NETWORKS["batch norm"], 3, **recipe)
    monkeypatch.setattr(loop, "capture_on", lambda device: Eager())
    eager = trained(NETWORKS["batch norm"], 3, **recipe)
    assert captured.execution == "captured"
    for one, other in zip(captured.epochs, eager.epochs, strict=True):
        assert one.train_loss == pytest.approx(other.train_loss, rel=1e-3)
        assert one.grad_norm == pytest.approx(other.grad_norm, rel=1e-2)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("recipe", [{}, {"augment": AUGMENT, "ema": 0.9}])
def test_the_same_seed_gives_the_same_scores_twice(name: str, recipe: dict[str, Any]) -> None:
    first, second = (trained(NETWORKS[name], 3, **recipe) for _ in range(2))
    assert first.epochs == second.epochs


@pytest.mark.parametrize("recipe", [*RECIPES[:5], {"micro_batch": 24}])
@pytest.mark.parametrize("captured", [True, False])
def test_no_step_waits_for_the_device(
    monkeypatch: pytest.MonkeyPatch, recipe: dict[str, Any], captured: bool
) -> None:
    if not captured:
        monkeypatch.setattr(loop, "capture_on", lambda device: Eager())
    whole = task(**recipe)
    whole = whole.in_parts(whole.proxy.recipe.parts)
    model = network(NETWORKS["drop path"])
    with reproducible(GPU), fast_convolution(model, GPU), whole.own_randomness():
        run = Run(model, whole, 1e-3)
        run.model.train()
        endless = itertools.chain.from_iterable(run.batches() for _ in itertools.count())
        pieces = whole.data.train_pieces(list(itertools.islice(endless, 12)))
        try:
            for number, piece in enumerate(pieces, 1):
                run.take(*piece, 1e-3)
                if number == WARM_UP:
                    torch.cuda.set_sync_debug_mode("error")
        finally:
            torch.cuda.set_sync_debug_mode("default")
    assert isinstance(run.runner.capture, CudaCapture) is captured
    assert run.losses[:12].isfinite().all()


class Asks(nn.Module):
    """Reads a number from the device in its forward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = network(NETWORKS["batch norm"])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.inner(x)
        return y * (1.0 if float(y.sum().item()) != 12345 else 2.0)


def test_a_network_that_waits_for_the_device_is_trained_eagerly_and_the_next_one_captured() -> None:
    with pytest.warns(RuntimeWarning, match="waits for the device"):
        result = train(Asks(), data(), asked(), seed=0, device=GPU)
    assert result.state == "complete"
    assert result.execution.startswith("eager (")
    assert trained(NETWORKS["batch norm"]).execution == "captured"


FAILING = """
import warnings
import torch
from dse.proxy.graph import CudaCapture
from tests.proxy.test_gpu import Asks, GPU, NETWORKS, asked, data, trained
from dse.proxy.trainer import train

warnings.simplefilter("ignore")
warm_up = CudaCapture.warm_up
def blind(self, work):
    warm_up(self, work)
    self._waits = False
CudaCapture.warm_up = blind
for _ in range(2):
    result = train(Asks(), data(), asked(2), seed=0, device=GPU)
    assert result.state == "complete", result.reason
    assert result.execution.startswith("eager ("), result.execution
    torch.cuda.empty_cache()
result = trained(NETWORKS["drop path"], 2)
assert result.state == "complete" and result.execution.startswith("eager ("), result.execution
print("went on")
"""


def test_a_process_goes_on_after_a_capture_that_failed() -> None:
    """In a process of its own, as it may be left with less than it had."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", FAILING], cwd=root, capture_output=True, text=True, timeout=250
    )
    assert "went on" in done.stdout, done.stderr


def test_a_resumed_training_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    def run(place: Path | None) -> TrainResult:
        proxy = asked(4, ema=0.9).model_copy(update={"checkpoint_epochs": 2})
        model = network(NETWORKS["drop path"])
        return train(model, data(), proxy, seed=0, device=GPU, checkpoint=place)

    undisturbed = run(None)
    run(tmp_path / "kept.pt")  # what it kept is of its second epoch
    assert run(tmp_path / "kept.pt").epochs == undisturbed.epochs


def test_a_compiled_network_is_captured_and_learns() -> None:
    pytest.importorskip("triton")
    result = trained(NETWORKS["batch norm"], compile="always")
    assert result.execution == "compiled and captured"
    plain = trained(NETWORKS["batch norm"])
    assert result.epochs[0].train_loss == pytest.approx(plain.epochs[0].train_loss, rel=0.05)


def test_a_network_that_does_not_fit_is_out_of_memory_and_the_next_one_trains() -> None:
    free, _ = torch.cuda.mem_get_info()
    torch.cuda.set_per_process_memory_fraction(min(1.0, 2e8 / free))
    try:
        large = Architecture(depths=(1, 1, 2, 1), dims=(4096, 4096, 4096, 4096))
        assert trained(large).state == "out_of_memory"
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        torch.cuda.empty_cache()
    assert trained(NETWORKS["batch norm"]).state == "complete"


def test_a_training_leaves_no_memory_behind() -> None:
    trained(NETWORKS["convnext"], 1)
    torch.cuda.empty_cache()
    before = torch.cuda.memory_reserved()
    for _ in range(4):
        trained(NETWORKS["convnext"], 1)
    torch.cuda.empty_cache()
    assert torch.cuda.memory_reserved() <= before + 2**22


@pytest.mark.parametrize("name", NETWORKS)
def test_the_memory_estimate_is_near_what_is_allocated(name: str) -> None:
    whole, model = task(), network(NETWORKS[name])
    model = model.to(device=GPU, memory_format=torch.channels_last)  # type: ignore[call-overload]
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated() - sum(t.nbytes for t in model.state_dict().values())
    estimate = training_memory(model, whole, 64)
    step = TrainingStep(model.train(), whole, rate=1e-3, steps=2, captured=False)
    images, labels = whole.data.train_batch(torch.arange(64))
    step(images, labels)
    torch.cuda.reset_peak_memory_stats()
    step(images, labels)
    assert 0.5 < estimate / (torch.cuda.max_memory_allocated() - before) < 2


@pytest.mark.parametrize("size", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("stride", [1, 2])
def test_all_ways_of_a_depthwise_convolution_agree_and_are_timed(size: int, stride: int) -> None:
    torch.manual_seed(0)
    geometry = Geometry(kernel=(7, 7), stride=(stride, stride), padding=(3, 3))
    images = torch.randn(8, 32, size, size, device=GPU)
    images = images.contiguous(memory_format=torch.channels_last)
    weight, bias = torch.randn(32, 1, 7, 7, device=GPU) / 7, torch.randn(32, device=GPU)

    def found(way: Any, dtype: torch.dtype, device: torch.device) -> list[torch.Tensor]:
        leaves = [tensor.to(device, dtype).requires_grad_() for tensor in (images, weight, bias)]
        result = way(*leaves, geometry)
        slope = torch.linspace(-1, 1, result.numel(), device=device).view_as(result).to(dtype)
        return [result, *torch.autograd.grad(result, leaves, slope)]

    exact = found(WAYS["as it is"], torch.float64, torch.device("cpu"))
    seconds = depthwise._seconds(images, weight, bias, geometry, torch.bfloat16)
    for name, time in seconds.items():
        assert 0 < time < 0.1, name
        for one, other in zip(found(WAYS[name], torch.bfloat16, GPU), exact, strict=True):
            apart = (one.double().cpu() - other).norm() / other.norm()
            assert apart < 0.02, (name, float(apart))


def test_streamed_images_train_as_resident_ones() -> None:
    batches = []
    for streamed in (False, True):
        found = data(streamed)
        order = torch.randperm(256, generator=torch.Generator().manual_seed(0))
        batches.append([*found.train_batches(order, 32), *found.test_batches(32)])
    assert len(batches[0]) == len(batches[1]) == 8 + 4
    for (images, labels), (others, other_labels) in zip(*batches, strict=True):
        torch.testing.assert_close(images, others, rtol=0, atol=0)
        assert labels.tolist() == other_labels.tolist()
        assert others.is_contiguous(memory_format=torch.channels_last)
        assert others.device.type == "cuda"


def test_a_training_on_streamed_images_is_captured_and_the_same() -> None:
    results = [
        train(network(NETWORKS["convnext"]), data(streamed), asked(2), seed=0, device=GPU)
        for streamed in (False, True)
    ]
    assert {result.execution for result in results} == {"captured"}
    assert results[0].epochs == results[1].epochs
