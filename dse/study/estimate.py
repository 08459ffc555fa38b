"""How long the trainings will take, measured on this machine before they start."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

import torch

from dse.architecture.spec import Architecture
from dse.network.build import build
from dse.proxy.datasets import DeviceData, load_dataset
from dse.proxy.recipe import Proxy
from dse.proxy.trainer import train

PROBED = 3
_EVALUATION = 1.1  # evaluation, building and storing add about a tenth to the steps


class _EnoughError(Exception):
    """Ends a probe."""


def seconds_per_training(
    architectures: Sequence[Architecture], proxy: Proxy, device: torch.device
) -> float:
    """Median time of one training with one thread, from a few steps of the first networks."""
    data = DeviceData(load_dataset(proxy.dataset, resolution=proxy.resolution), device)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        times = [_probe(a.scaled(proxy.channels), proxy, data) for a in architectures[:PROBED]]
    finally:
        torch.set_num_threads(threads)
    return statistics.median(times)


def _probe(architecture: Architecture, proxy: Proxy, data: DeviceData) -> float:
    """Time of a whole training of one network, extrapolated from its first reported steps."""
    model = build(architecture, in_channels=data.channels, classes=data.classes)
    reports: list[tuple[int, float]] = []
    total = 1

    def on_step(step: int, steps: int, _loss: float) -> None:
        nonlocal total
        total = steps
        reports.append((step, time.perf_counter()))
        if len(reports) == 2:
            raise _EnoughError

    begin = time.perf_counter()
    try:
        train(model, data, proxy, seed=0, device=data.device, on_step=on_step)
    except _EnoughError:
        (first, t0), (second, t1) = reports
        return (t1 - t0) / (second - first) * total * _EVALUATION
    return time.perf_counter() - begin  # too short to be cut
