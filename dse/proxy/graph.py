"""A function of tensors as a CUDA graph: its kernels are launched together, not one by one.

A proxy's step is a thousand small kernels, and launching them from Python takes longer than running
them. "CUDA semantics: CUDA graphs" in PyTorch's documentation says what a graph may hold.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Final, Protocol

import torch

Work = Callable[[], None]

_WAITS: Final = "called a synchronizing CUDA operation"  # torch's words in debug mode "warn"


class CaptureError(Exception):
    """Work cannot be captured; the message says why."""


class Capture(Protocol):
    """Makes a replay of work that reads and writes the same tensors each time."""

    def warm_up(self, work: Work) -> None:
        """Do the work where it is to be captured, so that what is made once is made."""

    def record(self, work: Work) -> Work:
        """A replay of the work; to record it does nothing to any tensor from before.

        Raises:
            CaptureError: the work cannot be replayed; it can be done as before.
        """


class CudaCapture:
    """Captures on a stream of its own, and nothing more in this process once that broke something.

    Work that waits for the device is noticed beforehand, as a capture that fails on it leaves more
    behind than its error: the allocator believes that it still goes on.
    """

    _broken: tuple[torch.cuda.CUDAGraph, str] | None = None  # kept: the allocator may yet ask it

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.stream = _side_stream(device)
        self._waits = False

    def warm_up(self, work: Work) -> None:
        """Do the work, and see whether it waits for the device."""
        current = torch.cuda.current_stream(self.device)
        self.stream.wait_stream(current)
        before = torch.cuda.get_sync_debug_mode()
        with warnings.catch_warnings(record=True) as told, torch.cuda.stream(self.stream):
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                work()
            finally:
                torch.cuda.set_sync_debug_mode(before)
        current.wait_stream(self.stream)
        self._waits = any(_WAITS in str(warning.message) for warning in told)
        for warning in told:
            if "synchroniz" not in str(warning.message).lower():  # of the debug mode itself
                warnings.warn_explicit(
                    warning.message, warning.category, warning.filename, warning.lineno
                )

    def record(self, work: Work) -> Work:
        """Capture the work; it is not done."""
        if self._waits:
            raise CaptureError("the step waits for the device")
        if CudaCapture._broken:
            raise CaptureError(f"a capture failed before in this process: {CudaCapture._broken[1]}")
        graph, pool = torch.cuda.CUDAGraph(), torch.cuda.graph_pool_handle()
        current = torch.cuda.current_stream(self.device)
        try:
            # Other threads, such as one that reads images ahead, may go on meanwhile.
            with torch.cuda.graph(
                graph, pool=pool, stream=self.stream, capture_error_mode="thread_local"
            ):
                work()
        except RuntimeError as error:
            reason = str(error.__context__ or error).partition("\n")[0]
            if _went_on(self.stream.device.index, pool):
                CudaCapture._broken = graph, reason
            raise CaptureError(reason) from error
        finally:
            torch.cuda.set_stream(current)  # a capture that could not be ended leaves its own
        return graph.replay


def capture_on(device: torch.device) -> Capture | None:
    """What captures work on a device; None where nothing does."""
    return CudaCapture(device) if device.type == "cuda" else None


@cache
def _side_stream(device: torch.device) -> torch.cuda.Stream:
    """One for all captures, as cuBLAS keeps a workspace for every stream that it has seen."""
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


def _went_on(device: int, pool: tuple[int, int]) -> bool:
    """Whether the allocator believed that a failed capture goes on; it no longer does.

    `CUDAGraph::capture_end` of torch 2.13 gives up before it tells the allocator, which would then
    refuse to empty its cache for good.
    """
    try:
        torch._C._cuda_endAllocateToPool(device, pool)
    except (AttributeError, RuntimeError):
        return False
    with suppress(AttributeError, RuntimeError):
        torch._C._cuda_releasePool(device, pool)
    return True
