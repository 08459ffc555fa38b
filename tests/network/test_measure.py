from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from dse.architecture import Architecture
from dse.errors import UserError
from dse.network.build import build
from dse.network.measure import Measurement, Setting, measure, measure_networks, networks, timing
from dse.network.measure.measurement import NAMES
from dse.network.measure.work import Inference, TrainingStep, work_for

SMALL = Architecture(depths=(1, 1), dims=(8, 16), kernel_sizes=(3, 3))
DEEP = Architecture(depths=(12, 12), dims=(8, 16), kernel_sizes=(3, 3))
CPU = torch.device("cpu")
SETTING = Setting(device=CPU, resolution=32, batch=4)


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "WARM_UP_SECONDS", 0.0)
    monkeypatch.setattr(timing, "RUN_SECONDS", 0.0)


def weights(architecture: Architecture) -> int:
    return 4 * sum(p.numel() for p in build(architecture).parameters())


def test_memory_is_the_weights_and_the_largest_maps_alive() -> None:
    found = measure(SMALL, resolution=32, device=CPU, repeats=1)
    image, maps = 4 * 3 * 32 * 32, 4 * 8 * 8 * 8
    # at the widest point: input, hidden maps before and after the activation, shortcut
    least = weights(SMALL) + image
    assert least + 4 * maps <= found["memory"] <= least + 12 * maps


def test_a_deeper_network_takes_longer_and_not_much_more_memory() -> None:
    small, large = (measure(a, resolution=64, device=CPU, repeats=7) for a in (SMALL, DEEP))
    assert large["latency"] > 2 * small["latency"] > 0
    more = weights(DEEP) - weights(SMALL)
    assert large["memory"] - small["memory"] == pytest.approx(more, abs=20_000)


def memory(name: str, batch: int, architecture: Architecture = SMALL) -> float:
    setting = dataclasses.replace(SETTING, batch=batch)
    (row,) = measure_networks([architecture], what=[name], setting=setting)
    assert (row[0].n, row[0].low, row[0].high) == (1, None, None)
    return row[0].value


def test_memory_of_training_holds_weights_gradients_and_both_moments() -> None:
    wide = Architecture(depths=(1,), dims=(256,), kernel_sizes=(3,), patch_size=16)
    assert memory("memory_training", 2, wide) == pytest.approx(4 * weights(wide), rel=0.05)
    assert memory("memory_training", 2, wide) >= 4 * weights(wide)


def test_memory_of_training_grows_by_the_maps_that_each_image_keeps() -> None:
    """Inference keeps one block's maps, training those of all blocks for the way back."""
    for name in ("memory_inference", "memory_training"):
        few, more, most = (memory(name, batch, DEEP) for batch in (8, 16, 24))
        assert most - more == pytest.approx(more - few, rel=0.02)
        assert memory(name, 8, DEEP) == few
    inference, training = (
        memory(name, 24, DEEP) - memory(name, 16, DEEP)
        for name in ("memory_inference", "memory_training")
    )
    assert training > 8 * inference


@pytest.mark.usefixtures("_hasty")
def test_every_measurement_says_its_conditions_and_its_spread() -> None:
    (row,) = measure_networks([SMALL], what=NAMES, setting=SETTING, runs=7)
    assert tuple(one.name for one in row) == NAMES
    for one in row:
        assert (one.dtype, one.batch, one.layout) == ("float32", 4, "channels_last")
        assert (one.resolution, one.threads) == (32, 1)
        assert one.device not in ("", "cpu")
        if one.unit == "B":
            continue
        assert one.n == 7
        assert one.low is not None
        assert one.high is not None
        assert 0 < one.low <= one.value <= one.high
    assert {one.unit for one in row} == {"s", "images/s", "B"}


@pytest.mark.usefixtures("_hasty")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
def test_every_layout_and_arithmetic_can_be_measured(dtype: torch.dtype, layout: Any) -> None:
    setting = dataclasses.replace(SETTING, dtype=dtype, layout=layout)
    (row,) = measure_networks([SMALL], what=NAMES, setting=setting, runs=6)
    name = str(dtype).removeprefix("torch.")
    assert {(one.dtype, one.layout) for one in row} == {(name, layout)}
    work = work_for("latency", build(SMALL), setting)
    images = list(work.tensors())[-1]
    assert images.dtype == dtype
    assert images.is_contiguous(memory_format=setting.memory_format)
    assert not images.is_contiguous(
        memory_format=torch.contiguous_format if layout == "channels_last" else torch.channels_last
    )


def test_the_interval_is_between_the_order_statistics_of_the_binomial() -> None:
    """P[Bin(15, 1/2) <= 3] = 1.8 % and P[Bin(15, 1/2) <= 4] = 5.9 %: the 4th to the 5th."""
    shuffled = [float(7 * k % 15 + 1) for k in range(15)]
    found = SETTING.measured("latency", shuffled)
    assert (found.value, found.n) == (8, 15)
    assert found.low is not None
    assert 4 < found.low < 5
    assert found.high == pytest.approx(16 - found.low)
    least = SETTING.measured("latency", [3.0, 1.0, 2.0, 6.0, 5.0, 4.0])
    assert least.low is not None
    assert 1 < least.low < 2
    assert least.high == pytest.approx(7 - least.low)


class Clock:
    """Stands still but for work, which takes `seconds` and is counted."""

    def __init__(self, seconds: float) -> None:
        self.now, self.seconds, self.calls = 0.0, seconds, 0

    def __call__(self) -> None:
        self.now += self.seconds
        self.calls += 1

    def perf_counter(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("seconds", "one_by_one", "warm_up", "passes"),
    [(0.03125, True, 7, 1), (0.03125, False, 7, 4), (2.0, True, 2, 1), (2.0, False, 2, 1)],
)
def test_work_is_warmed_up_and_a_run_is_one_pass_or_a_tenth_of_a_second(
    monkeypatch: pytest.MonkeyPatch, seconds: float, one_by_one: bool, warm_up: int, passes: int
) -> None:
    clock = Clock(seconds)
    monkeypatch.setattr(timing, "time", clock)
    found = timing.timed_runs(clock, CPU, runs=5, one_by_one=one_by_one)  # type: ignore[arg-type]
    assert found == [seconds] * 5
    assert clock.calls == warm_up + 5 * passes


def test_throughput_is_images_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "timed_runs", lambda *args, runs, **kinds: [0.5] * runs)
    what = ["throughput_inference", "latency"]
    (row,) = measure_networks([SMALL], what=what, setting=SETTING)
    assert [(one.name, one.value, one.n) for one in row] == [
        ("throughput_inference", 8.0, 15),
        ("latency", 0.5, 15),
    ]


def test_networks_take_turns_there_and_back(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def fake(work: Any, device: Any, *, runs: int, one_by_one: bool) -> list[float]:
        asked.append(runs)
        return [1.0] * runs

    monkeypatch.setattr(networks, "timed_runs", fake)
    heard: list[tuple[int, int]] = []
    found = measure_networks(
        [SMALL, DEEP, SMALL],
        what=["latency"],
        setting=SETTING,
        runs=8,
        report=lambda *at: heard.append(at),
    )
    assert heard == [(0, 1), (1, 1), (2, 1), (2, 2), (1, 2), (0, 2), (0, 3), (1, 3), (2, 3)]
    assert asked == [3] * 6 + [2] * 3
    assert [row[0].n for row in found] == [8, 8, 8]


@pytest.mark.usefixtures("_hasty")
def test_measuring_leaves_threads_and_random_state_as_they_were() -> None:
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    setting = dataclasses.replace(SETTING, threads=2)
    (row,) = measure_networks([SMALL], what=["latency"], setting=setting, runs=6)
    assert row[0].threads == 2
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)


def test_a_measured_step_is_a_whole_one_and_leaves_the_weights() -> None:
    step = TrainingStep(build(SMALL), SETTING, 4)
    before = [p.detach().clone() for p in step.network.parameters()]
    step()
    step()
    assert all(p.grad is not None and p.grad.any() for p in step.network.parameters())
    state = step.optimizer.state
    assert all(state[p]["exp_avg_sq"].any() for p in step.network.parameters())
    for now, then in zip(step.network.parameters(), before, strict=True):
        assert torch.equal(now, then)


def test_work_is_done_on_a_copy() -> None:
    network = build(SMALL)
    Inference(network, dataclasses.replace(SETTING, dtype=torch.bfloat16), 1)()
    TrainingStep(network, SETTING, 2)()
    assert network.training
    assert all(p.dtype == torch.float32 and p.grad is None for p in network.parameters())


def test_batches_depend_on_what_is_measured_unless_given() -> None:
    free = Setting(device=CPU)
    assert [free.images(name) for name in NAMES] == [1, 8, 8, 1, 8]
    assert {SETTING.images(name) for name in NAMES} == {4}
    gpu = Setting(device=torch.device("cuda"))
    assert [gpu.images(name) for name in NAMES] == [1, 64, 64, 1, 64]


def test_what_cannot_be_measured_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="too small for 4 stages"):
        measure_networks([SMALL, Architecture()], what=["latency"],
                         setting=dataclasses.replace(SETTING, resolution=16))  # fmt: skip
    one = dataclasses.replace(SETTING, batch=1)
    with pytest.raises(UserError, match="throughput_training: a batch of 1"):
        measure_networks([SMALL], what=["latency", "throughput_training"], setting=one)

    def full(*args: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(networks, "work_for", full)
    for what in (["memory_training"], ["latency"]):
        with pytest.raises(UserError) as caught:
            measure_networks([SMALL], what=what, setting=SETTING)
        assert str(caught.value).startswith(f"{what[0]} of network 1 with a batch of 4 does not")


def test_a_measurement_is_plain_data() -> None:
    found = dataclasses.asdict(SETTING.measured("memory_inference", [5.0]))
    assert Measurement(**found).value == 5
    assert all(value is None or isinstance(value, str | int | float) for value in found.values())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_everything_is_measured_on_a_gpu() -> None:
    setting = Setting(device=torch.device("cuda"), dtype=torch.bfloat16, resolution=64)
    before = torch.cuda.memory_allocated()
    (row,) = measure_networks([DEEP], what=NAMES, setting=setting)
    found = {one.name: one for one in row}
    assert found["memory_training"].value > 4 * weights(DEEP)
    assert found["throughput_inference"].value > found["throughput_training"].value > 0
    assert all(one.threads is None for one in row)
    assert torch.cuda.memory_allocated() == before
