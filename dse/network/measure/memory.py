"""The most memory that work takes at once."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from dse.errors import UserError
from dse.network.measure.work import Work
from dse.proxy.device import device_name
from dse.proxy.failures import is_out_of_memory


def peak_bytes(make: Callable[[], Work], device: torch.device) -> int:
    """The largest sum of live tensors while the work is done, all it keeps included, in bytes.

    The work is done once before, so that an optimizer has its state. On a GPU it is what the
    allocator counts beyond what was there before; on a CPU, which has no such statistic, the
    storage of all tensors. Neither sees what a kernel takes for itself and gives back.
    """
    if device.type == "cuda":
        before = torch.cuda.memory_allocated(device)
        work = make()
        work()
        torch.cuda.reset_peak_memory_stats(device)
        work()
        return int(torch.cuda.max_memory_allocated(device)) - before
    work = make()
    work()
    with LiveTensors() as live:
        live.note(work.tensors())
        work()
    return int(live.peak)


@contextmanager
def room_for(what: str, device: torch.device) -> Iterator[None]:
    """Say it in a sentence if the memory does not suffice for `what`, and leave a GPU clean.

    Raises:
        UserError: it does not.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        name = device_name(device)
        raise UserError(f"{what} does not fit into the memory of {name}.") from None
    finally:
        if device.type == "cuda":
            torch.cuda.empty_cache()


class LiveTensors(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the storage of all tensors that are alive."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = 0
        self._sum = 0
        self._bytes: dict[int, int] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        self.note(tree_leaves(result))
        return result

    def note(self, tensors: Iterable[Any]) -> None:
        """Count the storages of some tensors until they are freed."""
        for tensor in tensors:
            if not isinstance(tensor, Tensor):
                continue
            storage = tensor.untyped_storage()
            key = storage._cdata
            if key not in self._bytes:
                self._bytes[key] = storage.nbytes()
                self._sum += storage.nbytes()
                weakref.finalize(storage, self._forget, key)
        self.peak = max(self.peak, self._sum)

    def _forget(self, key: int) -> None:
        self._sum -= self._bytes.pop(key)
