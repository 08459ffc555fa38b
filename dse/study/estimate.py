"""How long the trainings will take, measured on this machine before they start."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from contextlib import suppress

import torch

from dse.architecture.spec import Architecture
from dse.network.build import build
from dse.proxy.datasets import load_dataset
from dse.proxy.device_data import DeviceData
from dse.proxy.recipe import Proxy
from dse.proxy.trainer import train

PROBED = 3
_EVALUATION = 1.1  # evaluation, building and storing add about a tenth to the steps


class _EnoughError(Exception):
    """Ends a probe."""


def seconds_per_training(
    architectures: Sequence[Architecture], proxy: Proxy, device: torch.device
) -> float | None:
    """Median time of one training with one thread, from a few steps of the first networks.

    None if none of them can be trained, which the workers will find out and tell.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        data = DeviceData(load_dataset(proxy.dataset, resolution=proxy.resolution), device)
        tried = [_try(a.scaled(proxy.channels), proxy, data) for a in architectures[:PROBED]]
    finally:
        torch.set_num_threads(threads)
    del data
    if device.type == "cuda":
        with suppress(RuntimeError):  # a probe may have lost the device to this process
            torch.cuda.empty_cache()  # the workers need what this process keeps for later
    times = [seconds for seconds in tried if seconds is not None]
    return statistics.median(times) if times else None


def _try(architecture: Architecture, proxy: Proxy, data: DeviceData) -> float | None:
    try:
        return _probe(architecture, proxy, data)
    except Exception:  # an estimate is no reason to end a run
        return None


def _probe(architecture: Architecture, proxy: Proxy, data: DeviceData) -> float | None:
    """Time of a whole training of one network, extrapolated from its first reported steps.

    None if it goes wrong in them.
    """
    model = build(architecture, in_channels=data.channels, classes=data.classes)
    reports: list[tuple[int, float]] = []
    total = 1

    def on_step(step: int, steps: int, _loss: float) -> None:
        nonlocal total
        total = steps
        reports.append((step, time.perf_counter()))
        if len(reports) == 2:
            raise _EnoughError

    try:
        result = train(model, data, proxy, seed=0, device=data.device, on_step=on_step)
    except _EnoughError:
        (first, t0), (second, t1) = reports
        return (t1 - t0) / (second - first) * total * _EVALUATION
    return result.seconds if result.state == "complete" else None  # too short to be cut
