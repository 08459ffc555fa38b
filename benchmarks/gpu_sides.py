"""The two sides of gpu_speed.py, this trainer and a plain loop, timed by the device's clock."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from plain_loop import Images, Times, made, share_of_peak
from torch.utils.data import DataLoader

from dse.architecture import Architecture
from dse.proxy.convolution import fast_convolution
from dse.proxy.datasets import load_dataset
from dse.proxy.device import pick_dtype, prepare_worker, reproducible
from dse.proxy.device_data import DeviceData
from dse.proxy.loop import Run
from dse.proxy.recipe import Proxy
from dse.proxy.runner import StepRunner
from dse.proxy.task import Task
from dse.proxy.trainer import train

LOADERS = 4
RATE = 2e-3


class Clock:
    """Times the steps of one network without waiting for the device between them."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.first, self.begin = device, 0.0, time.perf_counter()
        self._marks: list[tuple[Any, Any]] = []

    @contextmanager
    def step(self) -> Iterator[None]:
        """Within this context a step is asked for; the first is waited for."""
        start = self._mark()
        yield
        self._marks.append((start, self._mark()))
        if not self.first:
            wait(self.device)
            self.first = time.perf_counter() - self.begin

    def times(self, error: float) -> Times:
        """Of a network that has come to its end with this error."""
        wait(self.device)
        seconds = time.perf_counter() - self.begin
        if self.device.type == "cuda":
            inside = sum(start.elapsed_time(end) for start, end in self._marks) / 1000
        else:
            inside = sum(end - start for start, end in self._marks)
        return {
            "seconds": seconds,
            "step_seconds": inside,
            "first_step": self.first,
            "error": error,
        }

    def _mark(self) -> Any:
        if self.device.type != "cuda":
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record()
        return event


def wait(device: torch.device) -> None:
    """Until the device has done all it was asked for."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class Ours:
    """This trainer, as a worker of `dse run` has it."""

    def __init__(self, proxy: Proxy, device: torch.device) -> None:
        prepare_worker()
        self.proxy, self.device = proxy, device
        self.data = DeviceData(load_dataset(proxy.dataset, resolution=proxy.resolution), device)

    def __call__(self, architecture: Architecture) -> Times:
        """One training."""
        clock, call = Clock(self.device), StepRunner.__call__

        def timed(runner: StepRunner, images: torch.Tensor, labels: torch.Tensor) -> None:
            with clock.step():
                call(runner, images, labels)

        StepRunner.__call__ = timed  # type: ignore[assignment, method-assign]
        try:
            model = made(architecture, self.proxy)
            result = train(model, self.data, self.proxy, seed=0, device=self.device)
        finally:
            StepRunner.__call__ = call  # type: ignore[method-assign]
        assert result.state == "complete", result.reason
        if self.device.type == "cuda" and result.execution != "captured":
            print("not captured:", result.execution, flush=True)
        return clock.times(result.error or 0.0)

    @contextmanager
    def steady(self, architecture: Architecture, steps: int) -> Iterator[Callable[[], None]]:
        """A step of a long training of so many, batch included."""
        model, dtype = made(architecture, self.proxy), pick_dtype(self.device)
        task = Task(
            data=self.data, proxy=self.proxy, seed=0, device=self.device, dtype=dtype, parts=1
        )
        contexts = reproducible(self.device), fast_convolution(model, self.device)
        with contexts[0], contexts[1], task.own_randomness():
            run = Run(model, task, RATE, steps=steps)
            run.model.train()
            batches = itertools.chain.from_iterable(run.batches() for _ in itertools.count())
            pieces = self.data.train_pieces(batches)
            yield lambda: run.take(*next(pieces), RATE)


class Plain:
    """The plain loop; its loaders serve all networks."""

    def __init__(self, proxy: Proxy, device: torch.device) -> None:
        self.proxy, self.device = proxy, device
        stored = load_dataset(proxy.dataset, resolution=proxy.resolution)
        pixels, used = stored.train_images, proxy.images
        scale = float(pixels.mean()), float(pixels.std())
        trained = Images(pixels[:used], stored.train_labels[:used], *scale)
        tested = Images(stored.test_images, stored.test_labels, *scale)
        options: dict[str, Any] = {
            "num_workers": LOADERS,
            "persistent_workers": True,
            "pin_memory": device.type == "cuda",
        }
        batch = proxy.recipe.batch_size
        self.trained = DataLoader(trained, batch, shuffle=True, drop_last=True, **options)
        self.tested = DataLoader(tested, 1000, **options)
        dtype = pick_dtype(device)
        low = dtype != torch.float32
        self.autocast = partial(torch.autocast, device.type, dtype=dtype, enabled=low)

    def __call__(self, architecture: Architecture) -> Times:
        """One training."""
        clock = Clock(self.device)
        model, optimizer = self._network(architecture)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share_of_peak(self.proxy))
        error = 1.0
        for _ in range(self.proxy.epochs):
            model.train()
            for batch in self.trained:
                images, labels = self._moved(batch)
                with clock.step():
                    self._step(model, optimizer, images, labels)
                schedule.step()
            error = self._error(model)
        return clock.times(error)

    @contextmanager
    def steady(self, architecture: Architecture, steps: int) -> Iterator[Callable[[], None]]:
        """A step of a long training of so many, batch included."""
        model, optimizer = self._network(architecture)
        batches = itertools.chain.from_iterable(self.trained for _ in itertools.count())
        yield lambda: self._step(model, optimizer, *self._moved(next(batches)))

    def _network(self, architecture: Architecture) -> tuple[Any, torch.optim.Optimizer]:
        model = made(architecture, self.proxy).to(
            device=self.device, memory_format=torch.channels_last
        )  # type: ignore[call-overload]
        decay = self.proxy.recipe.weight_decay
        return model, torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=decay)

    def _moved(self, batch: Any) -> tuple[torch.Tensor, torch.Tensor]:
        images, labels = (part.to(self.device, non_blocking=True) for part in batch)
        return images.contiguous(memory_format=torch.channels_last), labels

    def _step(self, model: Any, optimizer: Any, images: Any, labels: Any) -> None:
        optimizer.zero_grad()
        with self.autocast():
            loss = F.cross_entropy(
                model(images), labels, label_smoothing=self.proxy.recipe.label_smoothing
            )
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    def _error(self, model: Any) -> float:
        model.eval()
        wrong = torch.zeros((), dtype=torch.int64, device=self.device)
        with torch.inference_mode(), self.autocast():
            for batch in self.tested:
                images, labels = self._moved(batch)
                wrong += (model(images).argmax(1) != labels).sum()
        return int(wrong) / len(self.tested.dataset)  # type: ignore[arg-type]
