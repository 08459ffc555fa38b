"""What happens around a capture, with a torch.cuda that stands in for a GPU's."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from dse.proxy import graph
from dse.proxy.graph import CaptureError, CudaCapture, capture_on

GPU = torch.device("cuda")


class Cuda:
    """Streams by name; a capture of work that raises ends in a second error, as torch's does."""

    def __init__(self) -> None:
        self.current: Any = "main"
        self.side = SimpleNamespace(
            device=torch.device("cuda", 0), wait_stream=lambda other: None, name="side"
        )
        self.mode: Any = 0
        self.ended: list[Any] = []
        self.replayed = 0

    @contextmanager
    def stream(self, stream: Any) -> Iterator[None]:
        before, self.current = self.current, stream
        yield
        self.current = before

    @contextmanager
    def graph(self, graph: Any, **options: Any) -> Iterator[None]:
        assert options["stream"] is self.side
        before, self.current = self.current, self.side
        try:
            yield
        except RuntimeError:
            raise RuntimeError("operation failed due to a previous error during capture") from None
        self.current = before

    def replay(self) -> None:
        self.replayed += 1


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Cuda:
    fake = Cuda()
    waiting = SimpleNamespace(wait_stream=lambda other: None)
    replaced: dict[str, Callable[..., Any]] = {
        "current_stream": lambda device: waiting if fake.current == "main" else fake.current,
        "set_stream": lambda stream: setattr(fake, "current", "main"),
        "stream": fake.stream,
        "graph": fake.graph,
        "CUDAGraph": lambda: SimpleNamespace(replay=fake.replay),
        "graph_pool_handle": lambda: (0, 7),
        "get_sync_debug_mode": lambda: fake.mode,
        "set_sync_debug_mode": lambda mode: setattr(fake, "mode", mode),
    }
    for name, function in replaced.items():
        monkeypatch.setattr(torch.cuda, name, function)
    monkeypatch.setattr(graph, "_side_stream", lambda device: fake.side)
    monkeypatch.setattr(CudaCapture, "_broken", None)
    monkeypatch.setattr(
        torch._C, "_cuda_endAllocateToPool", lambda *given: fake.ended.append(given), raising=False
    )
    return fake


def fail() -> None:
    raise RuntimeError("operation not permitted when stream is capturing\nand more")


def test_work_is_warmed_up_and_captured_aside(cuda: Cuda) -> None:
    streams: list[Any] = []
    capture = CudaCapture(GPU)

    def work() -> None:
        streams.append(cuda.current)

    capture.warm_up(work)
    replay = capture.record(work)
    replay()
    assert streams == [cuda.side, cuda.side]
    assert (cuda.current, cuda.replayed, cuda.ended) == ("main", 1, [])


def test_work_that_waits_for_the_device_is_not_captured(cuda: Cuda) -> None:
    capture = CudaCapture(GPU)

    def waits() -> None:
        assert cuda.mode == "warn"
        warnings.warn("called a synchronizing CUDA operation", UserWarning, stacklevel=1)

    capture.warm_up(waits)
    assert cuda.mode == 0
    with pytest.raises(CaptureError, match="the step waits for the device"):
        capture.record(fail)
    capture.warm_up(lambda: None)  # only the first time, as when kernels are measured
    capture.record(lambda: None)


def test_other_warnings_of_the_work_are_passed_on(cuda: Cuda) -> None:
    def warns() -> None:
        warnings.warn("something else", UserWarning, stacklevel=1)
        warnings.warn("called a synchronizing CUDA operation", UserWarning, stacklevel=1)

    with pytest.warns(UserWarning, match="something else") as told:
        CudaCapture(GPU).warm_up(warns)
    assert [str(warning.message) for warning in told] == ["something else"]


def test_the_debug_mode_is_put_back_when_work_fails(cuda: Cuda) -> None:
    with pytest.raises(RuntimeError, match="not permitted"):
        CudaCapture(GPU).warm_up(fail)
    assert cuda.mode == 0


def test_a_capture_that_breaks_the_allocator_is_the_last_one(cuda: Cuda) -> None:
    with pytest.raises(CaptureError, match=r"^operation not permitted when stream is capturing$"):
        CudaCapture(GPU).record(fail)
    assert cuda.current == "main"
    assert cuda.ended == [(0, (0, 7))]
    with pytest.raises(CaptureError, match="a capture failed before in this process: operation"):
        CudaCapture(GPU).record(lambda: None)


def test_a_capture_that_ends_cleanly_leaves_the_next_one_free(
    cuda: Cuda, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as one for which the memory did not suffice."""

    def nothing_to_end(*given: Any) -> None:
        raise RuntimeError("not currently recording")

    monkeypatch.setattr(torch._C, "_cuda_endAllocateToPool", nothing_to_end, raising=False)
    with pytest.raises(CaptureError):
        CudaCapture(GPU).record(fail)
    CudaCapture(GPU).record(lambda: None)


def test_only_a_gpu_captures(cuda: Cuda) -> None:
    assert capture_on(torch.device("cpu")) is None
    assert isinstance(capture_on(GPU), CudaCapture)
