"""Train one network for a short while and say how well it does on held-out images."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import torch
from torch import nn

from dse.errors import UserError
from dse.proxy.checkpoint import Checkpoint
from dse.proxy.convolution import fast_convolution
from dse.proxy.device import pick_dtype
from dse.proxy.device_data import DeviceData
from dse.proxy.failures import is_out_of_memory
from dse.proxy.loop import DivergedError, EpochRecord, OnLoss, Run, Task
from dse.proxy.rates import Weights, find_rate, snapshot
from dse.proxy.recipe import Proxy

State = Literal["complete", "stopped", "diverged", "out_of_memory"]
OnStep = Callable[[int, int, float], None]

WORSE_THAN_CHANCE: Final = 2.0
"""A training has diverged if its last epoch's mean loss is this many times that of guessing."""


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """What a training came to.

    Attributes:
        state: `complete`, `stopped` after the epoch that was asked for, or what went wrong.
        reason: why a training is not complete, in a sentence.
        error: held-out error after the final epoch, never the best one; a fraction.
        train_loss: mean training loss of the final epoch.
        epochs: all finished epochs, of an incomplete training too.
        seconds: wall seconds, of all processes that the training was resumed in.
        cpu_seconds: seconds these processes kept CPU cores busy.
        test_images: held-out images behind `error`.
        device: "cpu" or "cuda".
        dtype: of the arithmetic, "bfloat16" or "float32".
        learning_rate: the peak, if it came to be known.
        micro_batch: the most images computed at once.
    """

    state: State
    reason: str | None
    error: float | None
    train_loss: float | None
    epochs: tuple[EpochRecord, ...]
    seconds: float
    cpu_seconds: float
    test_images: int
    device: str
    dtype: str
    learning_rate: float | None
    micro_batch: int


def train(
    model: nn.Module,
    data: DeviceData,
    proxy: Proxy,
    *,
    seed: int,
    device: torch.device,
    on_step: OnStep | None = None,
    checkpoint: Path | None = None,
    until_epoch: int | None = None,
) -> TrainResult:
    """Train `model` in place as `proxy` says; a network that fails gives a state, not an exception.

    `seed` alone decides the order of the images and what random layers draw, so the result
    depends on nothing that ran before: on a CPU with one thread it is equal to the bit. The global
    random state is left as it was found. `on_step(step, steps, loss)` is called every few steps;
    `steps` are all, those in which the learning rate is chosen among them.

    Where the memory does not suffice, the training starts again with batches in twice as many
    parts, down to two images each, and is what it would be with that `micro_batch`: the gradient of
    a step stays the same, but batch norm's statistics are of a part. The training goes on from
    the file `checkpoint` if that is one of its own, and is kept there as the proxy says; the caller
    removes it. With `until_epoch` it stops after that epoch, counted from 1, of the same schedule,
    and is kept there as well: called again with a later one, it goes on.

    Raises:
        UserError: the data set does not hold what the proxy asks for.
    """
    _require_sound(data, proxy)
    recipe = proxy.recipe
    dtype = pick_dtype(device, recipe.precision)
    task = Task(data=data, proxy=proxy, seed=seed, device=device, dtype=dtype, parts=recipe.parts)
    training = _Training(model, checkpoint, on_step, task, until_epoch or proxy.epochs)
    training.run()
    state = training.state
    last = training.epochs[-1] if state == "complete" else None
    return TrainResult(
        state=state,
        reason=training.reason,
        error=last.error if last else None,
        train_loss=last.train_loss if last else None,
        epochs=tuple(training.epochs),
        seconds=time.perf_counter() - training.wall,
        cpu_seconds=time.process_time() - training.cpu,
        test_images=len(data.test_labels),
        device=device.type,
        dtype=str(dtype).removeprefix("torch."),
        learning_rate=training.rate,
        micro_batch=-(-recipe.batch_size // training.task.parts),
    )


class _Training:
    """A training from its start or its checkpoint to its end, whatever that is."""

    def __init__(
        self,
        model: nn.Module,
        path: Path | None,
        on_step: OnStep | None,
        task: Task,
        until_epoch: int,
    ) -> None:
        self.model, self.on_step, self.task, self.until = model, on_step, task, until_epoch
        self.wall, self.cpu = time.perf_counter(), time.process_time()
        self.state: State = "complete"
        self.reason: str | None = None
        self.rate: float | None = None
        self.epochs: list[EpochRecord] = []
        self.fresh: Weights = snapshot(model)
        self.checkpoint = Checkpoint(path, model, task)
        self.kept = self.checkpoint.load()
        if self.kept:
            self.task = task.in_parts(self.kept["parts"])
            self.rate = self.kept["rate"]
            self.epochs = [EpochRecord(**epoch) for epoch in self.kept["epochs"]]
            self.wall -= self.kept["seconds"]
            self.cpu -= self.kept["cpu_seconds"]

    def run(self) -> None:
        """Try until it ends or the smallest parts are still too large."""
        while (no_memory := self._attempt()) is not None:
            parts = self.task.parts
            if parts >= self.task.proxy.recipe.most_parts:
                self.state, self.reason = "out_of_memory", no_memory
                return
            self.task = self.task.in_parts(min(2 * parts, self.task.proxy.recipe.most_parts))
            self.rate, self.epochs, self.kept = None, [], None
            self.model.zero_grad(set_to_none=True)
            self.model.load_state_dict(self.fresh)
            if self.task.device.type == "cuda":
                torch.cuda.empty_cache()

    def _attempt(self) -> str | None:
        """Train to the end; why the memory does not suffice, if so."""
        try:
            with fast_convolution(self.model) if self.task.device.type == "cpu" else nullcontext():
                self._train()
        except DivergedError as error:
            self.state, self.reason = "diverged", str(error)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            return _one_line(error)
        return None

    def _train(self) -> None:
        proxy = self.task.proxy
        if self.rate is None:
            self.rate = find_rate(self.model, self.task, self.fresh, self._report(0))
        report = self._report(proxy.choice_steps)
        with self.task.own_randomness():
            run = Run(self.model, self.task, self.rate)
            if self.kept:
                run.load(self.kept["run"])
            for number in range(len(self.epochs) + 1, self.until + 1):
                self.epochs.append(run.epoch(number, report))
                if number < self.until and self.checkpoint.is_due(number):
                    self._keep(run)
            if self.until < proxy.epochs:
                self._keep(run)
                self.state = "stopped"
                return
        self._require_learned()

    def _keep(self, run: Run) -> None:
        self.checkpoint.save(
            {
                "run": run.state(),
                "parts": self.task.parts,
                "rate": self.rate,
                "epochs": [vars(epoch) for epoch in self.epochs],
                "seconds": time.perf_counter() - self.wall,
                "cpu_seconds": time.process_time() - self.cpu,
            }
        )

    def _require_learned(self) -> None:
        loss, guessing = self.epochs[-1].train_loss, math.log(self.task.data.classes)
        if loss > WORSE_THAN_CHANCE * guessing:
            raise DivergedError(
                f"the training loss of the last epoch is {loss:.3g}, more than "
                f"{WORSE_THAN_CHANCE:g} times that of guessing, {guessing:.3g}"
            )

    def _report(self, before: int) -> OnLoss | None:
        if (on_step := self.on_step) is None:
            return None
        steps = self.task.proxy.choice_steps + self.task.proxy.steps
        return lambda step, loss: on_step(before + step, steps, loss)


def _require_sound(data: DeviceData, proxy: Proxy) -> None:
    """Labels are looked at here, as a wrong one would cost a process its GPU."""
    for name, labels, images in (
        ("training", data.train_labels, data.train_images),
        ("test", data.test_labels, data.test_images),
    ):
        if len(labels) != len(images) or not len(labels):
            raise UserError(f"the data set: {len(images)} {name} images, but {len(labels)} labels.")
        low, high = (int(bound) for bound in labels.aminmax())
        if low < 0 or high >= data.classes:
            raise UserError(
                f"the data set: {name} labels go from {low} to {high}, but there are "
                f"{data.classes} classes, 0 to {data.classes - 1}."
            )
    if len(data.train_labels) < proxy.images:
        raise UserError(
            f"the data set: {len(data.train_labels)} training images, but the proxy uses "
            f"{proxy.images}."
        )


def _one_line(error: Exception) -> str:
    line = str(error).partition("\n")[0]
    return line.rpartition("DefaultCPUAllocator: ")[2] or "out of memory"
