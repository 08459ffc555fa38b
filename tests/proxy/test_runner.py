"""A replayed step does what the step does: on a CPU, where a replay is an emulation of a graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from dse.proxy import compiling, loop
from dse.proxy.device_data import DeviceData
from dse.proxy.loop import Run
from dse.proxy.runner import WARM_UP, StepRunner
from tests.proxy import small
from tests.proxy.replay import Eager, Replays
from tests.proxy.small import network, proxy, task

AUGMENT = {"flip": True, "pad_crop": 2, "mixup": 0.2, "cutmix": 1.0, "erase": 0.5}
RECIPES: list[dict[str, Any]] = [
    {},
    {"optimizer": "sgd", "learning_rate": 0.1},
    {"ema": 0.9},
    {"augment": AUGMENT},
    {"micro_batch": 6},
    {"precision": "bfloat16"},
]


def with_capture(monkeypatch: pytest.MonkeyPatch, capture: Any) -> Any:
    monkeypatch.setattr(loop, "capture_on", lambda device: capture)
    return capture


def run(data: DeviceData, recipe: dict[str, Any], epochs: int = 3) -> tuple[Run, torch.Tensor]:
    """A run to its end, and all weights, statistics and averages that it leaves."""
    asked = proxy(epochs=epochs, **recipe)
    dtype = torch.bfloat16 if recipe.get("precision") == "bfloat16" else torch.float32
    whole = task(data, asked, dtype=dtype, parts=asked.recipe.parts)
    with whole.own_randomness():
        under_way = Run(network(), whole, asked.recipe.learning_rate)  # type: ignore[arg-type]
        for number in range(1, epochs + 1):
            under_way.epoch(number, None)
    left = [*under_way.model.state_dict().values()]
    left += under_way.average.average.values() if under_way.average else []
    return under_way, torch.cat([tensor.flatten().double() for tensor in left])


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_captured_training_is_the_same_to_the_bit(
    data: DeviceData, monkeypatch: pytest.MonkeyPatch, recipe: dict[str, Any]
) -> None:
    with_capture(monkeypatch, Eager())
    eager, weights = run(data, recipe)
    capture = with_capture(monkeypatch, Replays())
    captured, same = run(data, recipe)
    assert (capture.warmed, capture.recorded, capture.replayed) == (WARM_UP, 1, 21 - WARM_UP)
    assert captured.runner.captured
    assert captured.losses.tolist() == eager.losses.tolist()
    assert captured.grad_norms.tolist() == eager.grad_norms.tolist()
    assert torch.equal(same, weights)


@pytest.mark.parametrize("recipe", RECIPES)
def test_numbers_in_tensors_change_a_training_by_rounding_only(
    data: DeviceData, monkeypatch: pytest.MonkeyPatch, recipe: dict[str, Any]
) -> None:
    plain, _ = run(data, recipe, epochs=1)
    with_capture(monkeypatch, Eager())
    tensors, _ = run(data, recipe, epochs=1)
    torch.testing.assert_close(tensors.losses, plain.losses, rtol=1e-3, atol=1e-3)


CHOICES: list[dict[str, Any]] = [
    {"learning_rate": {"range_test": {"steps": 12}}},
    {"learning_rate": {"best_of": [1e-5, 0.02]}},
]


@pytest.mark.parametrize("recipe", [*RECIPES, *CHOICES])
def test_a_whole_training_of_captured_steps_gives_what_one_of_eager_steps_does(
    data: DeviceData, monkeypatch: pytest.MonkeyPatch, recipe: dict[str, Any]
) -> None:
    with_capture(monkeypatch, Eager())
    eager = small.trained(data, proxy(epochs=2, **recipe), 3)
    with_capture(monkeypatch, Replays())
    captured = small.trained(data, proxy(epochs=2, **recipe), 3)
    assert captured.execution == "captured"
    assert (captured.learning_rate, captured.epochs) == (eager.learning_rate, eager.epochs)


def test_a_resumed_training_is_captured_anew_and_ends_with_the_same_bits(
    data: DeviceData, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with_capture(monkeypatch, Replays())
    recipe = {"optimizer": "sgd", "ema": 0.9}
    asked = proxy(epochs=4, **recipe).model_copy(update={"checkpoint_epochs": 2})
    undisturbed = small.trained(data, asked, 3)
    whole = small.trained(data, asked, 3, checkpoint=tmp_path / "kept.pt")
    capture = with_capture(monkeypatch, Replays())
    resumed = small.trained(data, asked, 3, checkpoint=tmp_path / "kept.pt")
    assert capture.warmed + capture.replayed == 14
    assert resumed.epochs == whole.epochs == undisturbed.epochs


def test_a_step_that_cannot_be_captured_is_called_as_it_is_and_says_why(
    data: DeviceData, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_capture(monkeypatch, Eager())
    expected = small.trained(data, proxy())
    with_capture(monkeypatch, Replays(refusal="the step waits for the device"))
    with pytest.warns(RuntimeWarning, match="the step waits for the device"):
        result = small.trained(data, proxy())
    assert result.execution == (
        "eager (the training step is not captured as a CUDA graph: the step waits for the device)"
    )
    assert result.epochs == expected.epochs


def test_on_a_cpu_nothing_is_captured(data: DeviceData) -> None:
    assert small.trained(data, proxy(epochs=1)).execution == "eager"


class Compiler:
    """Stands for torch.compile: the same function, or an error at its first call."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails, self.compiled = fails, 0

    def __call__(self, model: Any, dynamic: bool) -> Any:
        self.compiled += 1

        def forward(images: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = model(images)
            if self.fails:
                raise RuntimeError("no compiler\nwas found")
            return logits

        return forward


def with_compiler(monkeypatch: pytest.MonkeyPatch, compiler: Compiler) -> Compiler:
    monkeypatch.setattr(torch, "compile", compiler)
    monkeypatch.setattr(compiling, "_seen", [])
    return compiler


def test_a_compiled_network_is_captured_too(
    data: DeviceData, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_capture(monkeypatch, Replays())
    expected = small.trained(data, proxy())
    compiler = with_compiler(monkeypatch, Compiler())
    result = small.trained(data, proxy(compile="always"))
    assert result.execution == "compiled and captured"
    assert result.epochs == expected.epochs
    assert compiler.compiled == 1
    assert len(compiling._seen) == 1


def test_a_network_that_cannot_be_compiled_is_trained_as_it_is(
    data: DeviceData, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batch norm has seen the images twice in the forward pass that failed, and dropout drew."""
    with_capture(monkeypatch, Replays())
    model = network(dropout=0.0)
    expected = small.trained(data, proxy(), model=network(dropout=0.0))
    with_compiler(monkeypatch, Compiler(fails=True))
    with pytest.warns(RuntimeWarning, match="no compiler"):
        result = small.trained(data, proxy(compile="always"), model=model)
    assert result.execution == "captured (the network is not compiled: no compiler)"
    assert result.epochs == expected.epochs
    assert compiling._seen == []


@pytest.mark.parametrize(("seconds", "times"), [(0.0, 1), (1e9, 0)])
def test_auto_compiles_where_the_rest_is_long_beside_a_compilation(
    data: DeviceData, monkeypatch: pytest.MonkeyPatch, seconds: float, times: int
) -> None:
    capture = with_capture(monkeypatch, Replays())
    compiler = with_compiler(monkeypatch, Compiler())
    compiling.note(seconds)
    monkeypatch.setattr(loop, "REPORT_EVERY", 3)
    result = small.trained(data, proxy(compile="auto"))
    assert compiler.compiled == times
    assert capture.recorded == 1 + times
    assert result.execution == ("compiled and captured" if times else "captured")


def test_nothing_is_compiled_on_a_cpu(data: DeviceData, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = with_compiler(monkeypatch, Compiler())
    small.trained(data, proxy(epochs=1, compile="always"))
    assert compiler.compiled == 0


def test_without_experience_only_long_trainings_are_compiled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compiling, "_seen", [])
    assert [compiling.pays(seconds) for seconds in (1, 299, 301)] == [False, False, True]
    compiling.note(2.0)
    compiling.note(4.0)
    assert [compiling.pays(seconds) for seconds in (14, 16)] == [False, True]


def test_time_that_is_no_steps_is_not_counted(
    data: DeviceData, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An evaluation between two reports says nothing of how long a step takes."""
    compiler = with_compiler(monkeypatch, Compiler())
    compiling.note(0.0)
    asked = task(data, proxy(epochs=1))
    runner = StepRunner(Run(network(), asked, 0.01).training_step, None, "auto")
    runner.waited(3)
    runner.rested()
    runner.waited(5)
    assert compiler.compiled == 0
    runner.waited(6)
    assert compiler.compiled == 1
