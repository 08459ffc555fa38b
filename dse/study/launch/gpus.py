"""Which GPU each worker of this machine has, and how many share one."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Sequence

from dse.errors import UserError


def visible_gpus(device: str) -> tuple[str, ...]:
    """What CUDA calls the GPUs that `device` means: `cuda:1` is one of them, else all visible."""
    import torch

    listed = os.environ.get("CUDA_VISIBLE_DEVICES")
    count = torch.cuda.device_count()
    names = listed.split(",")[:count] if listed else [str(number) for number in range(count)]
    _, _, number = device.partition(":")
    if not number:
        return tuple(name.strip() for name in names)
    if not number.isdecimal() or int(number) >= count:
        raise UserError(f"--device {device}: there are {count} GPUs here, counted from cuda:0.")
    return (names[int(number)].strip(),)


class Gpus:
    """The GPUs of this machine, of which each worker has a share of one.

    Args:
        names: what CUDA calls them.
        share: of a GPU for each worker, above 0 and up to 1.
    """

    def __init__(self, names: Sequence[str], share: float) -> None:
        assert 0 < share <= 1
        self._names = tuple(names)
        self._each = math.floor(1 / share + 1e-9)
        self._taken: dict[str, str] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """What CUDA calls them."""
        return self._names

    def require(self, workers: int) -> None:
        """Make sure that so many workers fit.

        Raises:
            UserError: they do not.
        """
        if workers > self._each * len(self._names):
            raise UserError(
                f"{workers} workers do not fit: there are {len(self._names)} GPUs here, of which "
                f"each takes {self._each} (--gpu-share)."
            )

    def take(self, worker: str) -> str:
        """The GPU of a worker: the one that the fewest others have."""
        assert worker not in self._taken
        load = Counter(self._taken.values())
        name = min(self._names, key=lambda name: load[name])
        assert load[name] < self._each
        self._taken[worker] = name
        return name

    def give_back(self, worker: str) -> None:
        """A worker has ended."""
        del self._taken[worker]
