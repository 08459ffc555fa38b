"""The training loop of one network: steps, epochs, the held-out error."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import nn

from dse.proxy.augment import Augmenter
from dse.proxy.device import evaluation_batch
from dse.proxy.device_data import Batch
from dse.proxy.graph import capture_on
from dse.proxy.optimizer import load_state
from dse.proxy.runner import StepRunner
from dse.proxy.schedule import learning_rate
from dse.proxy.step import TrainingStep
from dse.proxy.task import Task

OnLoss = Callable[[int, float], None]
"""Called with (step, its loss) every few steps."""

REPORT_EVERY: Final = 10  # steps between reading losses from the device


class DivergedError(Exception):
    """A training whose numbers are beyond use; the message says since when."""


@dataclass(frozen=True, kw_only=True)
class EpochRecord:
    """The end of one epoch: mean training loss over it, held-out error after it (a fraction).

    `grad_norm` is the mean Euclidean norm of the steps' whole gradient, weight decay left out.
    """

    epoch: int
    step: int
    train_loss: float
    error: float
    grad_norm: float


class Run:
    """One training under way, of `model` in place, inside of the task's `own_randomness`.

    With `selecting` it leaves a tenth of the training images out and measures on them, so that a
    choice between such runs has seen nothing of the images behind a score. `steps` is what the
    schedule runs over, the proxy's if not given.
    """

    def __init__(
        self,
        model: nn.Module,
        task: Task,
        rate: float,
        *,
        selecting: bool = False,
        steps: int | None = None,
    ) -> None:
        proxy = task.proxy
        self.task, self.recipe, self.rate = task, proxy.recipe, rate
        self.data, self.device = task.data, task.device
        self.images = proxy.images - (proxy.selection_images if selecting else 0)
        self.held_out = proxy.selection_images if selecting else len(task.data.test_labels)
        self.selecting = selecting
        whole = proxy.selection_steps if selecting else proxy.steps
        self.steps = whole if steps is None else steps
        self.steps_per_epoch = whole // proxy.epochs
        self.step = 0
        self.order = torch.Generator().manual_seed(task.seed)
        self.model = model.to(device=task.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.augmenter = Augmenter(self.recipe.augment, task.data, seed=task.seed)
        capture = capture_on(task.device)
        self.training_step = TrainingStep(
            self.model, task, rate=rate, steps=self.steps, captured=capture is not None
        )
        self.losses, self.grad_norms = self.training_step.losses, self.training_step.grad_norms
        self.optimizer, self.average = self.training_step.optimizer, self.training_step.average
        compile = self.recipe.compile if capture else "never"
        self.runner = StepRunner(self.training_step, capture, compile)

    def epoch(self, number: int, report: OnLoss | None) -> EpochRecord:
        """One pass over the training images in a new order, then the held-out error.

        Raises:
            DivergedError: a loss or an output is not finite.
        """
        self.model.train()
        self.runner.rested()
        start = self.step
        for pixels, labels in self.data.train_pieces(self.batches()):
            self.take(pixels, labels, learning_rate(self.recipe, self.rate, self.step, self.steps))
            if self.step % REPORT_EVERY == 0 or self.step == start + self.steps_per_epoch:
                newest = self._finite_losses()[-1]
                self.runner.waited(self.step)
                if report:
                    report(self.step, newest)
        return EpochRecord(
            epoch=number,
            step=self.step,
            train_loss=self.losses[start : self.step].mean().item(),
            error=self._error(),
            grad_norm=self.grad_norms[start : self.step].mean().item(),
        )

    def batches(self) -> list[torch.Tensor]:
        """The next epoch's batches, as numbers of images."""
        order = torch.randperm(self.images, generator=self.order)
        batches = self.data.in_batches(order, self.recipe.batch_size)
        return list(batches[: self.steps_per_epoch])

    def take(self, pixels: torch.Tensor, labels: torch.Tensor, rate: float) -> None:
        """One step, with a learning rate. On a GPU it is only asked for: nothing here waits.

        `pixels` (b, r, r, c) and `labels` (b,) are images as they are stored.
        """
        images, labels = self.augmenter.batch(pixels, labels, self.step)
        self.training_step.prepare(self.step, rate)
        self.runner(images, labels)
        self.step += 1

    def _finite_losses(self) -> list[float]:
        """The losses since they were last read."""
        first = (self.step - 1) // REPORT_EVERY * REPORT_EVERY
        losses: list[float] = self.losses[first : self.step].tolist()
        for step, loss in enumerate(losses, first + 1):
            if not math.isfinite(loss):
                raise DivergedError(
                    f"the training loss became {loss} at step {step} of {self.steps}"
                )
        return losses

    @torch.inference_mode()
    def _error(self) -> float:
        """Share of held-out images that the network gets wrong."""
        self.model.eval()
        wrong = torch.zeros((), dtype=torch.int64, device=self.device)
        finite = torch.ones((), dtype=torch.bool, device=self.device)
        size = max(1, evaluation_batch(self.device, self.data.resolution) // self.task.parts)
        with self.average.applied() if self.average else nullcontext():
            for batch, labels in self._held_out(size):
                with self.task.autocast():
                    logits = self.model(batch)
                wrong += (logits.argmax(1) != labels).sum()
                finite &= logits.isfinite().all()
        if not finite:
            raise DivergedError(f"outputs were not finite after step {self.step} of {self.steps}")
        return int(wrong) / self.held_out

    def _held_out(self, size: int) -> Iterator[Batch]:
        if not self.selecting:
            return self.data.test_batches(size)
        rows = torch.arange(self.images, self.images + self.held_out)
        return self.data.train_batches(rows, size)

    def state(self) -> dict[str, Any]:
        """All that the next epoch depends on, as tensors and plain values."""
        return {
            "step": self.step,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average.average if self.average else None,
            "order": self.order.get_state(),
            "random": torch.get_rng_state(),
            "device_random": (
                torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None
            ),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on where another run was when it gave its `state`."""
        self.step = state["step"]
        self.model.load_state_dict(state["model"])
        load_state(self.optimizer, state["optimizer"])
        if self.average:
            self.average.load(state["average"])
        self.order.set_state(state["order"])
        torch.set_rng_state(state["random"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(state["device_random"], self.device)
