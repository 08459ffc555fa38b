"""How long work takes: warmed up, and waited for."""

from __future__ import annotations

import math
import time
from typing import Final

import torch

from dse.network.measure.work import Work

WARM_UP: Final = 2
WARM_UP_SECONDS: Final = 0.2
"""Work is done so often and for so long before it is timed: kernels are chosen, clocks rise."""
RUN_SECONDS: Final = 0.1
"""A run of many passes takes about so long at least."""


def timed_runs(work: Work, device: torch.device, *, runs: int, one_by_one: bool) -> list[float]:
    """Seconds of one pass, in each of `runs` runs after a warm-up.

    A run is one pass if `one_by_one`, and else as many as fill `RUN_SECONDS`, back to back, so that
    a GPU is kept busy as in real use. The device is waited for at both ends of a run.
    """
    usual = warm_up(work, device)
    passes = 1 if one_by_one else max(1, math.ceil(RUN_SECONDS / usual))
    return [_seconds(work, device, passes) for _ in range(runs)]


def warm_up(work: Work, device: torch.device) -> float:
    """Do the work for a while; the seconds of its last pass."""
    begin, passes = time.perf_counter(), 0
    while passes < WARM_UP or time.perf_counter() - begin < WARM_UP_SECONDS:
        last = _seconds(work, device, 1)
        passes += 1
    return last


def _seconds(work: Work, device: torch.device, passes: int) -> float:
    _wait(device)
    begin = time.perf_counter()
    for _ in range(passes):
        work()
    _wait(device)
    return (time.perf_counter() - begin) / passes


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
