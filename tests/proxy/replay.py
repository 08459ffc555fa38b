"""What a CUDA graph is, on a CPU: operations that are done again on the very same tensors.

As there, whatever Python computed while it was recorded stays as it was then: a learning rate that
is a float, a counter, a branch. And as there, nothing is done to a tensor by recording.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from dse.proxy.graph import CaptureError

Work = Callable[[], None]


class Replays:
    """A `Capture` that records operations; with `refusal` it fails as a capture does."""

    def __init__(self, refusal: str | None = None) -> None:
        self.refusal = refusal
        self.warmed, self.recorded, self.replayed = 0, 0, 0

    def warm_up(self, work: Work) -> None:
        self.warmed += 1
        work()

    def record(self, work: Work) -> Work:
        if self.refusal:
            raise CaptureError(self.refusal)
        self.recorded += 1
        random = torch.get_rng_state()
        with _Recorder() as recorder:
            work()
        recorder.undo()
        torch.set_rng_state(random)

        def replay() -> None:
            self.replayed += 1
            recorder.replay()

        return replay


class Eager:
    """A `Capture` of nothing: the same step with all that changes in tensors, called as it is."""

    def warm_up(self, work: Work) -> None:
        work()

    def record(self, work: Work) -> Work:
        return work


class _Recorder(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.before: dict[int, tuple[Tensor, Tensor]] = {}
        self.made: set[int] = set()
        self.calls: list[tuple[Any, Any, Any, Any]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        for tensor in _tensors((args, kwargs)):
            place = _place(tensor)
            if place not in self.made and place not in self.before:
                self.before[place] = (tensor.detach(), tensor.detach().clone())
        result = func(*args, **kwargs)
        self.made |= {_place(tensor) for tensor in _tensors(result)} - self.before.keys()
        self.calls.append((func, args, kwargs, result))
        return result

    @torch.no_grad()
    def undo(self) -> None:
        for tensor, value in self.before.values():
            tensor.copy_(value)

    @torch.no_grad()
    def replay(self) -> None:
        for func, args, kwargs, result in self.calls:
            given = {_place(tensor) for tensor in _tensors((args, kwargs))}
            again = func(*args, **kwargs)
            for old, new in zip(_tensors(result), _tensors(again), strict=True):
                if _place(old) not in given:  # neither a view nor changed in place
                    old.copy_(new)


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def _place(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata
