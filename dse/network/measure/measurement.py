"""A measured number with its spread, and the conditions without which it says nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal

import torch

from dse.analysis.distributions import quantile
from dse.proxy.device import device_name

Layout = Literal["channels_last", "channels_first"]

TIMED: Final = ("latency", "throughput_inference", "throughput_training")
COUNTED: Final = ("memory_inference", "memory_training")
NAMES: Final = TIMED + COUNTED
UNITS: Final = {name: {"l": "s", "t": "images/s", "m": "B"}[name[0]] for name in NAMES}

LEAST_RUNS: Final = 6
"""The median of fewer has no 95 % interval."""


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One measured number of one network.

    Attributes:
        name: one of `NAMES`, or of a zero-cost score.
        value: the median over `n` runs, or what was counted or computed once.
        low: lower end of the 95 % interval of the median; None where nothing is sampled.
        high: its upper end.
        n: independent runs.
        unit: "s", "images/s", "B" (bytes), or "1" for a plain number.
        device: what a person knows it by, such as "NVIDIA H100".
        dtype: of the arithmetic, such as "float32".
        batch: images computed at once.
        layout: "channels_last" or "channels_first".
        resolution: height and width of the images in pixels.
        threads: of the CPU; None on a GPU.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    n: int
    unit: str
    device: str
    dtype: str
    batch: int
    layout: str
    resolution: int
    threads: int | None


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The conditions of a measurement.

    Attributes:
        device: where it runs.
        dtype: float32 or bfloat16. Inference then has its weights in it, training keeps float32
            weights and computes under autocast.
        batch: images computed at once, or None: one for latency and the memory of inference, 8 on a
            CPU and 64 on a GPU for the others.
        resolution: height and width of the images in pixels.
        layout: of weights and images.
        threads: of a CPU, or None for as many as torch is set to.
    """

    device: torch.device
    dtype: torch.dtype = torch.float32
    batch: int | None = None
    resolution: int = 224
    layout: Layout = "channels_last"
    threads: int | None = None

    def images(self, name: str) -> int:
        """How many images are computed at once to measure `name`."""
        if self.batch is not None:
            return self.batch
        if name in ("latency", "memory_inference"):
            return 1
        return 64 if self.device.type == "cuda" else 8

    @property
    def memory_format(self) -> torch.memory_format:
        """The layout as torch calls it."""
        return {
            "channels_last": torch.channels_last,
            "channels_first": torch.contiguous_format,
        }[self.layout]

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within this context torch has the threads asked for; its random state stays as it is."""
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads or before)
        try:
            with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
                yield
        finally:
            torch.set_num_threads(before)

    def measured(self, name: str, values: Sequence[float]) -> Measurement:
        """The median of `values` and its interval by `quantile`; of one, the value alone.

        It covers the median of such runs with about 95 %, whatever their distribution, if they are
        independent.
        """
        assert len(values) == 1 or len(values) >= LEAST_RUNS
        found = quantile(values, 0.5)
        sampled = len(values) > 1
        return Measurement(
            name=name,
            value=found.value,
            low=found.lower if sampled else None,
            high=found.upper if sampled else None,
            n=found.n,
            unit=UNITS[name],
            device=device_name(self.device),
            dtype=str(self.dtype).removeprefix("torch."),
            batch=self.images(name),
            layout=self.layout,
            resolution=self.resolution,
            threads=self.cpu_threads,
        )

    @property
    def cpu_threads(self) -> int | None:
        """How many threads compute, where that is a CPU's business."""
        if self.device.type != "cpu":
            return None
        return self.threads or torch.get_num_threads()
