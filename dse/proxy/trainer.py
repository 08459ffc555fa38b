"""Train one network for a short while and say how well it does on held-out images."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Final, Literal

import torch
import torch.nn.functional as F
from torch import nn

from dse.proxy.convolution import fast_convolution
from dse.proxy.device import pick_dtype
from dse.proxy.device_data import DeviceData
from dse.proxy.failures import is_out_of_memory
from dse.proxy.recipe import Proxy, Recipe

State = Literal["complete", "diverged", "out_of_memory"]
OnStep = Callable[[int, int, float], None]

REPORT_EVERY: Final = 10  # steps between reading losses from the device
TEST_BATCH: Final = 250  # larger ones leave the CPU's cache


@dataclass(frozen=True, kw_only=True)
class EpochRecord:
    """The end of one epoch: mean training loss over it, held-out error after it (a fraction)."""

    epoch: int
    step: int
    train_loss: float
    error: float


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """What a training came to.

    Attributes:
        state: `complete`, or what went wrong.
        reason: why a training is not complete, in a sentence.
        error: held-out error after the final epoch, never the best one; a fraction.
        train_loss: mean training loss of the final epoch.
        epochs: all finished epochs, of an incomplete training too.
        seconds: wall seconds.
        cpu_seconds: seconds this process kept CPU cores busy.
        test_images: held-out images behind `error`.
        device: "cpu" or "cuda".
        dtype: of the arithmetic, "bfloat16" or "float32".
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


class _DivergedError(Exception):
    pass


def train(
    model: nn.Module,
    data: DeviceData,
    proxy: Proxy,
    *,
    seed: int,
    device: torch.device,
    on_step: OnStep | None = None,
) -> TrainResult:
    """Train `model` in place as `proxy` says; a network that fails gives a state, not an exception.

    `seed` alone decides the order of the images and what random layers draw, so the result
    depends on nothing that ran before: on a CPU with one thread it is equal to the bit. The global
    random state is left as it was found. `on_step(step, steps, loss)` is called every few steps.
    """
    dtype = pick_dtype(device)
    epochs: list[EpochRecord] = []
    state: State = "complete"
    reason = None
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        with _own_randomness(seed, device):
            run = _Run(model, data, proxy, seed=seed, device=device, dtype=dtype)
            with fast_convolution(model) if device.type == "cpu" else nullcontext():
                epochs.extend(run.epoch(n, on_step) for n in range(1, proxy.epochs + 1))
    except _DivergedError as error:
        state, reason = "diverged", str(error)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        state, reason = "out_of_memory", _one_line(error)
    last = epochs[-1] if state == "complete" else None
    return TrainResult(
        state=state,
        reason=reason,
        error=last.error if last else None,
        train_loss=last.train_loss if last else None,
        epochs=tuple(epochs),
        seconds=time.perf_counter() - wall,
        cpu_seconds=time.process_time() - cpu,
        test_images=len(data.test_labels),
        device=device.type,
        dtype=str(dtype).removeprefix("torch."),
    )


@contextmanager
def _own_randomness(seed: int, device: torch.device) -> Iterator[None]:
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def _one_line(error: Exception) -> str:
    line = str(error).partition("\n")[0]
    return line.rpartition("DefaultCPUAllocator: ")[2] or "out of memory"


class _Run:
    """One training under way."""

    def __init__(
        self,
        model: nn.Module,
        data: DeviceData,
        proxy: Proxy,
        *,
        seed: int,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.data, self.recipe, self.device = data, proxy.recipe, device
        self.images, self.steps = proxy.images, proxy.steps
        self.steps_per_epoch = proxy.steps // proxy.epochs
        self.step = 0
        self.order = torch.Generator().manual_seed(seed)
        self.model = model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = adamw(model, proxy.recipe)
        self.losses = torch.zeros(self.steps, device=device)  # read rarely: reading waits for a GPU
        self.autocast = torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32)

    def epoch(self, number: int, on_step: OnStep | None) -> EpochRecord:
        """One pass over the training images in a new order, then the held-out error."""
        self.model.train()
        start = self.step
        order = torch.randperm(self.images, generator=self.order)
        for images, labels in self.data.train_batches(order, self.recipe.batch_size):
            self._step(images, labels)
            if self.step % REPORT_EVERY == 0 or self.step == start + self.steps_per_epoch:
                newest = self._finite_losses()[-1]
                if on_step:
                    on_step(self.step, self.steps, newest)
        train_loss = self.losses[start : self.step].mean().item()
        return EpochRecord(epoch=number, step=self.step, train_loss=train_loss, error=self._error())

    def _step(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        rate = learning_rate(self.recipe, self.step, self.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with self.autocast:
            logits = self.model(images)
        loss = F.cross_entropy(logits.float(), labels, label_smoothing=self.recipe.label_smoothing)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.losses[self.step] = loss.detach()
        self.step += 1

    def _finite_losses(self) -> list[float]:
        """The losses since they were last read."""
        first = (self.step - 1) // REPORT_EVERY * REPORT_EVERY
        losses: list[float] = self.losses[first : self.step].tolist()
        for step, loss in enumerate(losses, first + 1):
            if not math.isfinite(loss):
                raise _DivergedError(
                    f"the training loss became {loss} at step {step} of {self.steps}"
                )
        return losses

    @torch.inference_mode()
    def _error(self) -> float:
        """Share of held-out images that the network gets wrong."""
        self.model.eval()
        images = len(self.data.test_labels)
        wrong = torch.zeros((), dtype=torch.int64, device=self.device)
        finite = torch.ones((), dtype=torch.bool, device=self.device)
        for batch, labels in self.data.test_batches(TEST_BATCH):
            with self.autocast:
                logits = self.model(batch)
            wrong += (logits.argmax(1) != labels).sum()
            finite &= logits.isfinite().all()
        if not finite:
            raise _DivergedError(f"outputs were not finite after step {self.step} of {self.steps}")
        return int(wrong) / images


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """Rate of step 0 <= `step` < `steps`: linear warm-up to the peak, then half a cosine down."""
    warmup = recipe.warmup * steps
    if step < warmup:
        return recipe.learning_rate * (step + 1) / (warmup + 1)
    progress = (step - warmup) / max(1.0, steps - warmup)
    low, high = recipe.final_learning_rate, recipe.learning_rate
    return low + (high - low) * 0.5 * (1 + math.cos(math.pi * progress))


def adamw(model: nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW (Loshchilov & Hutter 2019) that decays matrices and kernels, no 1-D parameters."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=recipe.betas, fused=True)
