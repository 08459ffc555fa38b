"""What a network is trained for, and how."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch

from dse.proxy.device_data import DeviceData
from dse.proxy.recipe import Proxy


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a network is trained for, and how: everything but the network and the learning rate.

    `parts` is the number of parts in which a batch is computed.
    """

    data: DeviceData
    proxy: Proxy
    seed: int
    device: torch.device
    dtype: torch.dtype
    parts: int

    def in_parts(self, parts: int) -> Task:
        """The same task with smaller or larger micro-batches."""
        return replace(self, parts=parts)

    def autocast(self) -> torch.autocast:
        """A context in which convolutions and products are computed in `dtype`."""
        low = self.dtype != torch.float32
        return torch.autocast(self.device.type, dtype=self.dtype, enabled=low)

    @contextmanager
    def own_randomness(self) -> Iterator[None]:
        """Within this context all draws derive from the seed; the global state is left alone."""
        with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(self.seed)
            yield
