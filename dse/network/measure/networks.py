"""Networks measured beside each other, and one network against a budget."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from statistics import median
from typing import Final

import torch
from torch import nn

from dse.architecture.cost import cost
from dse.architecture.spec import Architecture
from dse.errors import UserError
from dse.network.build import build
from dse.network.measure.measurement import COUNTED, LEAST_RUNS, TIMED, Measurement, Setting
from dse.network.measure.memory import peak_bytes, room_for
from dse.network.measure.timing import timed_runs
from dse.network.measure.work import CLASSES, work_for

REPEATS: Final = 11
RUNS: Final = 15
ROUNDS: Final = 3
"""Runs are spread over so many rounds through all networks, there and back."""

Report = Callable[[int, int], None]
"""Called with (place of the network, round from 1) when work on it begins."""


def measure_networks(
    architectures: Sequence[Architecture],
    *,
    what: Sequence[str],
    setting: Setting,
    runs: int = RUNS,
    report: Report | None = None,
) -> list[tuple[Measurement, ...]]:
    """Measure several networks so that they can be compared.

    The device's speed drifts, so no network is measured in one go: the runs are spread over
    `ROUNDS` rounds through all networks, every other one in reversed order. Each round builds a
    network again; only one is in memory at a time.

    Args:
        architectures: the networks, with random weights and 1000 classes.
        what: of `dse.network.measure.measurement.NAMES`.
        setting: the conditions.
        runs: behind each median; six at least, as fewer have no 95 % interval.
        report: hears where it is.

    Returns:
        For each network its measurements, in the order of `what`.

    Raises:
        UserError: a network does not fit the images or the memory, or a training has one image.
    """
    assert runs >= LEAST_RUNS
    _require_possible(architectures, what, setting)
    found: dict[tuple[int, str], list[float]] = defaultdict(list)
    with setting.applied():
        for number in range(ROUNDS):
            share = (runs + ROUNDS - 1 - number) // ROUNDS
            names = [name for name in what if name in TIMED or number == 0]
            for place in range(len(architectures))[:: -1 if number % 2 else 1]:
                if report:
                    report(place, number + 1)
                network = build(architectures[place], classes=CLASSES)
                for name in names:
                    batch = f"a batch of {setting.images(name)}"
                    with room_for(f"{name} of network {place + 1} with {batch}", setting.device):
                        found[place, name] += _values(name, network, setting, share)
    return [
        tuple(setting.measured(name, found[place, name]) for name in what)
        for place in range(len(architectures))
    ]


def measure(
    architecture: Architecture, *, resolution: int, device: torch.device, repeats: int = REPEATS
) -> dict[str, float]:
    """Latency and peak memory of inference on one image, as budgets limit them.

    Args:
        architecture: the network, with random weights and 1000 classes.
        resolution: height and width of the image in pixels.
        device: where it runs, in float32 and channels_last; on a CPU with torch's threads.
        repeats: the latency is the median of this number of runs.

    Returns:
        `latency` in seconds and `memory` in bytes: the largest sum of live tensors, weights
        included, as the allocator counts it on a GPU.
    """
    setting = Setting(device=device, resolution=resolution, batch=1)
    with setting.applied():
        network = build(architecture, classes=CLASSES)
        (memory,) = _values("memory_inference", network, setting, 1)
        seconds = _values("latency", network, setting, repeats)
    return {"latency": median(seconds), "memory": memory}


def _values(name: str, network: nn.Module, setting: Setting, runs: int) -> list[float]:
    """What `name` was in each run; of what is counted, once."""
    if name in COUNTED:
        return [float(peak_bytes(lambda: work_for(name, network, setting), setting.device))]
    work = work_for(name, network, setting)
    seconds = timed_runs(work, setting.device, runs=runs, one_by_one=name == "latency")
    return seconds if name == "latency" else [setting.images(name) / each for each in seconds]


def _require_possible(
    architectures: Sequence[Architecture], what: Sequence[str], setting: Setting
) -> None:
    for architecture in architectures:
        cost(architecture, resolution=setting.resolution)
    for name in what:
        if name.endswith("_training") and setting.images(name) < 2:
            raise UserError(f"{name}: a batch of 1 cannot be trained with batch norm; take 2.")
