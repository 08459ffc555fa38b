"""What one inference really takes on a device: seconds and bytes."""

from __future__ import annotations

import time
import weakref
from statistics import median
from typing import Any, Final

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from dse.architecture.spec import Architecture
from dse.network.build import build

REPEATS: Final = 11
_WARM_UP: Final = 3


def measure(
    architecture: Architecture, *, resolution: int, device: torch.device, repeats: int = REPEATS
) -> dict[str, float]:
    """Latency and peak memory of inference on one image, in float32 and channels_last.

    Args:
        architecture: the network, with random weights and 1000 classes.
        resolution: height and width of the image in pixels.
        device: where it runs; on a CPU with as many threads as torch is set to.
        repeats: the latency is the median of this number of runs.

    Returns:
        `latency` in seconds and `memory` in bytes: the largest sum of live tensors, weights
        included, as the allocator counts it on a GPU.
    """
    network: torch.nn.Module = build(architecture).eval().to(device)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    image = torch.zeros(1, 3, resolution, resolution, device=device)
    image = image.contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        memory = _peak(network, image)
        for _ in range(_WARM_UP):
            network(image)
        seconds = [_seconds(network, image) for _ in range(repeats)]
    return {"latency": median(seconds), "memory": float(memory)}


def _seconds(network: torch.nn.Module, image: Tensor) -> float:
    _wait(image.device)
    begin = time.perf_counter()
    network(image)
    _wait(image.device)
    return time.perf_counter() - begin


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _peak(network: torch.nn.Module, image: Tensor) -> int:
    if image.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(image.device)
        network(image)
        return int(torch.cuda.max_memory_allocated(image.device))
    with _LiveTensors() as live:
        live.note([*network.parameters(), *network.buffers(), image])
        network(image)
    return int(live.peak)


class _LiveTensors(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the storage of all tensors that are alive, since a CPU has no such statistic."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = 0
        self._bytes: dict[int, int] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        self.note(tree_leaves(result))
        return result

    def note(self, tensors: list[Any]) -> None:
        """Count the storages of some tensors until they are freed."""
        for tensor in tensors:
            if not isinstance(tensor, Tensor):
                continue
            storage = tensor.untyped_storage()
            key = storage._cdata
            if key not in self._bytes:
                self._bytes[key] = storage.nbytes()
                weakref.finalize(storage, self._bytes.pop, key, None)
        self.peak = max(self.peak, sum(self._bytes.values()))
