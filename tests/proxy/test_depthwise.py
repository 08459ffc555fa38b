from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from dse.proxy import depthwise
from dse.proxy.convolution import fast_convolution
from dse.proxy.depthwise import WAYS, Geometry, Way

GPU = torch.device("cuda")  # only asked for its name here


def results(way: Way, size: int, geometry: Geometry, bias: bool) -> tuple[torch.Tensor, ...]:
    """Output and gradients by images, weight and bias."""
    torch.manual_seed(0)
    given = [torch.randn(2, 5, size, size), torch.randn(5, 1, *geometry.kernel)]
    given += [torch.randn(5)] if bias else []
    given[0] = given[0].contiguous(memory_format=torch.channels_last)
    for tensor in given:
        tensor.requires_grad_()
    result = way(given[0], given[1], given[2] if bias else None, geometry)
    weight = torch.linspace(-1, 1, result.numel()).view_as(result)
    return result, *torch.autograd.grad((result * weight).sum(), given)


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(sorted(WAYS.keys() - {"as it is"})),
    size=st.integers(1, 9),
    kernel=st.sampled_from([1, 3, 5, 7, 9]),
    stride=st.integers(1, 3),
    bias=st.booleans(),
)
def test_all_ways_give_the_same_outputs_and_gradients(
    name: str, size: int, kernel: int, stride: int, bias: bool
) -> None:
    half = kernel // 2
    geometry = Geometry(kernel=(kernel, kernel), stride=(stride, stride), padding=(half, half))
    expected = results(WAYS["as it is"], size, geometry, bias)
    found = results(WAYS[name], size, geometry, bias)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)
    assert found[0].is_contiguous(memory_format=torch.channels_last)


def test_all_ways_compute_in_the_autocast_type() -> None:
    geometry = Geometry(kernel=(3, 3), stride=(1, 1), padding=(1, 1))
    images, weight, bias = torch.randn(2, 4, 5, 5), torch.randn(4, 1, 3, 3), torch.randn(4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for name, way in WAYS.items():
            assert way(images, weight, bias, geometry).dtype == torch.bfloat16, name


class Clock:
    """Times ways without running them."""

    def __init__(self, **seconds: float) -> None:
        self.seconds = {"as it is": 1.0, "contiguous": 1.0, "native": 1.0, "matrix": 1.0}
        self.seconds |= seconds
        self.asked = 0

    def __call__(self, *shape: Any) -> dict[str, float]:
        self.asked += 1
        return self.seconds


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Clock]]:
    """Install a clock, as in a new process; the folder of choices stays."""
    monkeypatch.setenv("DSE_CACHE", str(tmp_path))

    def installed(**seconds: float) -> Clock:
        clock = Clock(**seconds)
        monkeypatch.setattr(depthwise, "_seconds", clock)
        depthwise._choices.cache_clear()
        return clock

    yield installed
    depthwise._choices.cache_clear()


def used(monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, ...] = (6,)) -> list[str]:
    """The ways that a convolution takes in training on maps of these sizes."""
    taken: list[str] = []

    def noted(name: str, way: Way) -> Way:
        def noting(*arguments: Any) -> torch.Tensor:
            taken.append(name)
            return way(*arguments)

        return noting

    monkeypatch.setattr(depthwise, "WAYS", {name: noted(name, way) for name, way in WAYS.items()})
    model = nn.Sequential(nn.Conv2d(4, 4, 7, padding=3, groups=4), nn.Conv2d(4, 4, 3))
    with fast_convolution(model, GPU):
        for size in sizes:
            model(torch.randn(2, 4, size, size))
    monkeypatch.setattr(depthwise, "WAYS", WAYS)
    return taken


def test_the_fastest_way_is_taken_and_asked_for_once(
    measure: Callable[..., Clock], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = measure(native=0.5)
    assert used(monkeypatch, (6, 6, 9, 6)) == ["native"] * 4
    assert clock.asked == 2  # each shape once


def test_a_way_that_is_hardly_faster_is_not_worth_it(
    measure: Callable[..., Clock], monkeypatch: pytest.MonkeyPatch
) -> None:
    measure(matrix=0.97)
    assert used(monkeypatch) == ["as it is"]


def test_all_processes_take_the_way_that_the_first_one_chose(
    measure: Callable[..., Clock], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    measure(matrix=0.5)
    assert used(monkeypatch) == ["matrix"]
    (file,) = tmp_path.glob("depthwise-*.json")
    (question,) = json.loads(file.read_text())["choices"]
    assert question == ("2x4x6x6, kernel 7x7, stride 1x1, padding 3x3, bias, torch.float32")
    later = measure(native=0.1)
    assert used(monkeypatch, (6, 7)) == ["matrix", "native"]
    assert later.asked == 1
    assert len(json.loads(file.read_text())["choices"]) == 2


@pytest.mark.parametrize("content", ["", "{", "[]", '{"choices": {}}', '{"choices": 3}'])
def test_a_damaged_or_foreign_file_is_measured_anew(
    measure: Callable[..., Clock],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    content: str,
) -> None:
    measure(matrix=0.5)
    used(monkeypatch)
    (file,) = tmp_path.glob("depthwise-*.json")
    file.write_text(content)
    measure(native=0.5)
    assert used(monkeypatch) == ["native"]
    measure(matrix=0.1)
    assert used(monkeypatch) == ["native"]


def test_a_folder_that_cannot_be_written_leaves_the_choice_to_each_process(
    measure: Callable[..., Clock], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "file" / "folder"))
    measure(matrix=0.5)
    assert used(monkeypatch) == ["matrix"]


def test_every_way_that_there_is_for_a_map_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    geometry = Geometry(kernel=(3, 3), stride=(2, 2), padding=(1, 1))
    done: list[float] = []

    def time(work: Callable[[], None]) -> float:
        work()
        done.append(1.0)
        return float(len(done))

    monkeypatch.setattr(depthwise, "_time", time)
    random = torch.get_rng_state()
    for size, ways in ((8, 4), (9, 3)):  # no matrix for the larger map
        done.clear()
        images, weight = torch.randn(2, 4, size, size), torch.randn(4, 1, 3, 3)
        torch.set_rng_state(random)
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            found = depthwise._seconds(images, weight, None, geometry, torch.bfloat16)
        assert list(found.values()) == [1.0, 2.0, 3.0, 4.0][:ways]
        assert torch.equal(torch.get_rng_state(), random)


def test_evaluation_measures_nothing(
    measure: Callable[..., Clock], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = measure(native=0.5)
    with torch.no_grad():
        assert used(monkeypatch) == []
    assert clock.asked == 0
