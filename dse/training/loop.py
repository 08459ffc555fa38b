"""A full training from its newest checkpoint to its last epoch."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

import torch
from torch import Tensor, nn

from dse.errors import UserError
from dse.proxy.device import evaluation_batch
from dse.proxy.loop import DivergedError
from dse.training.checkpoint import Checkpoints, Identity, read_checkpoint
from dse.training.distributed import Group
from dse.training.evaluate import Evaluation, evaluate
from dse.training.images import ImageSets
from dse.training.loading import training_steps
from dse.training.logs import Board, EpochRow, write_log
from dse.training.recipe import Recipe
from dse.training.report import Report
from dse.training.schedule import learning_rate
from dse.training.setting import Setting
from dse.training.signals import Asked, Stopped, listening
from dse.training.step import NoMemoryError, Piece, TrainingStep

READ_EVERY: Final = 10
"""Steps between reading losses from the device, as to read them is to wait for it."""


class Run:
    """One full training under way, of `network` in place.

    What happens in a step is a function of recipe, epoch, step and process number, so a checkpoint
    holds no generator's state.
    """

    def __init__(
        self,
        network: nn.Module,
        recipe: Recipe,
        sets: ImageSets,
        group: Group,
        *,
        setting: Setting,
        identity: Identity,
        report: Report,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.recipe, self.sets, self.group, self.report = recipe, sets, group, report
        self.setting, self._clock = setting, clock
        self.steps_per_epoch = len(sets.train) // recipe.batch_size
        self.checkpoints = Checkpoints(setting.folder / "checkpoints", identity)
        self.training_step = TrainingStep(
            network.to(device=group.device, memory_format=_layout(recipe)),  # type: ignore[call-overload]
            recipe,
            group,
            classes=len(sets.classes),
        )
        self.micro_batch = first_micro_batch(recipe, setting.micro_batch, group)
        self.rows: list[EpochRow] = []
        self.epoch, self.step = 0, 0
        """Both from 0; `step` is the next one of the epoch."""
        self.loss_sum, self.train_seconds = 0.0, 0.0
        """Of the epoch so far."""
        self._unread: list[Tensor] = []
        self._board: Board | None = None
        self._kept = self._since = clock()

    @property
    def steps(self) -> int:
        """Steps done since the beginning."""
        return self.epoch * self.steps_per_epoch + self.step

    def train(self) -> None:
        """Go on until the last epoch is done.

        Raises:
            DivergedError: a loss or an output is not finite.
            Stopped: the process was asked to end; the training is kept.
            UserError: the memory does not suffice for two images, or the disk is full.
        """
        self._resume()
        if self.group.leads:
            write_log(self.setting.folder / "log.csv", self.rows)
            self._board = Board(self.setting.folder / "tensorboard", step=self.steps + 1)
        try:
            with listening() as asked, self.training_step.quick():
                while self.epoch < self.recipe.schedule.epochs:
                    self._steps(asked)
                    self._end_epoch()
        finally:
            if self._board:
                self._board.close()

    def _steps(self, asked: Asked) -> None:
        """The epoch's steps that are left."""
        self._since = self._clock()
        while self.step < self.steps_per_epoch:
            short = False
            try:
                for pieces in training_steps(
                    self.sets,
                    self.recipe,
                    self.group,
                    epoch=self.epoch,
                    start=self.step,
                    micro_batch=self.micro_batch,
                    workers=self.setting.workers,
                ):
                    self._step(pieces, asked)
            except NoMemoryError:
                short = True
            if short:
                self._halve()

    def _step(self, pieces: list[Piece], asked: Asked) -> None:
        rate = learning_rate(self.recipe.schedule, self.steps, self.steps_per_epoch)
        loss = self.training_step(pieces, rate=rate, epoch=self.epoch, step=self.step)
        self._unread.append(loss)
        self.step += 1
        late = self.group.leads and self._clock() - self._kept >= self.setting.keep_every
        stop, due = self.group.any(asked.signal != 0, late)
        last = self.step == self.steps_per_epoch
        if stop or due or last or len(self._unread) >= READ_EVERY:
            self._read(rate)
        if stop or (due and not last):
            self._keep()
        if stop:
            raise Stopped(asked.signal or signal.SIGTERM)

    def _read(self, rate: float) -> None:
        """Take the losses of the newest steps into the epoch's sum."""
        local = torch.stack(self._unread).tolist() if self._unread else []
        losses, first = self.group.sums(local), self.steps - len(local) + 1
        self._unread.clear()
        for number, loss in enumerate(losses, first):
            if not math.isfinite(loss):
                total = self.recipe.schedule.epochs * self.steps_per_epoch
                raise DivergedError(f"the training loss became {loss} at step {number} of {total}")
            self.loss_sum += loss
        now = self._clock()
        self.train_seconds += now - self._since
        self._since = now
        if losses:
            self.report.step(self.epoch + 1, self.step, losses[-1])
            if self._board:
                self._board.step(self.steps, loss=losses[-1], rate=rate)

    def _end_epoch(self) -> None:
        started = self._clock()
        self.training_step.unite()
        networks = [self.training_step.network]
        if self.training_step.average is not None:
            networks.append(self.training_step.evaluated)
        found = evaluate(
            networks,
            self.sets,
            self.recipe,
            self.group,
            batch=min(self.micro_batch, evaluation_batch(self.group.device, self._test_pixels)),
            workers=self.setting.workers,
        )
        if not math.isfinite(found[-1].loss):
            raise DivergedError(f"outputs were not finite after epoch {self.epoch + 1}")
        row = self._row(found, self._clock() - started)
        self.rows.append(row)
        self.epoch, self.step, self.loss_sum, self.train_seconds = self.epoch + 1, 0, 0.0, 0.0
        self._keep()
        if self._board:
            write_log(self.setting.folder / "log.csv", self.rows)
            self._board.epoch(row)
        self.report.epoch(row)

    def _row(self, found: list[Evaluation], seconds: float) -> EpochRow:
        images = self.steps_per_epoch * self.recipe.batch_size
        live, average = found[0], found[1] if len(found) > 1 else None
        return EpochRow(
            epoch=self.epoch + 1,
            steps=self.steps,
            images=images * (self.epoch + 1),
            learning_rate=learning_rate(self.recipe.schedule, self.steps - 1, self.steps_per_epoch),
            train_loss=self.loss_sum / self.steps_per_epoch,
            test_loss=live.loss,
            error=live.error,
            top5_error=live.top5_error,
            ema_test_loss=average.loss if average else None,
            ema_error=average.error if average else None,
            ema_top5_error=average.top5_error if average else None,
            seconds=self.train_seconds + seconds,
            images_per_second=images / max(self.train_seconds, 1e-9),
        )

    @property
    def _test_pixels(self) -> int:
        return self.recipe.images.test_resolution or self.recipe.images.resolution

    def _halve(self) -> None:
        """Half the micro-batch, in all processes alike.

        Raises:
            UserError: it is two images already.
        """
        if self.micro_batch == 2:
            raise UserError("out of memory with two images at once: the network is too large here.")
        before, self.micro_batch = self.micro_batch, 2 * -(-self.micro_batch // 4)
        if self.group.device.type == "cuda":
            torch.cuda.empty_cache()
        self.report.note(
            f"Out of memory with {before} images at once: {self.micro_batch} from here on, and "
            f"gradients summed up to the batch of {self.recipe.batch_size}."
        )

    def _keep(self) -> None:
        if self.group.leads:
            self.checkpoints.save(self._state(), epoch=self.epoch, step=self.step)
            self._kept = self._clock()

    def _state(self) -> dict[str, Any]:
        return {
            "training": self.training_step.state(),
            "epoch": self.epoch,
            "step": self.step,
            "micro_batch": self.micro_batch,
            "loss_sum": self.loss_sum,
            "train_seconds": self.train_seconds,
            "rows": [asdict(row) for row in self.rows],
        }

    def _resume(self) -> None:
        """Go on from the newest checkpoint, which process 0 reads for all."""
        group = self.group
        content = group.together(lambda: self.checkpoints.newest() if group.leads else None)
        content = group.first(content)
        if content is None:
            return
        state = read_checkpoint(content)
        self.training_step.load(state["training"])
        self.epoch, self.step = state["epoch"], state["step"]
        self.micro_batch = min(self.micro_batch, state["micro_batch"])
        self.loss_sum, self.train_seconds = state["loss_sum"], state["train_seconds"]
        self.rows = [EpochRow(**row) for row in state["rows"]]
        self.report.note(
            f"Goes on from epoch {self.epoch + 1}, step {self.step} of {self.steps_per_epoch}."
        )


def first_micro_batch(recipe: Recipe, asked: int | None, group: Group) -> int:
    """Images a process computes at once while its memory suffices: all of its share, or fewer.

    Raises:
        UserError: there are more processes than pairs of images in a batch.
    """
    pairs = recipe.batch_size // 2
    if group.world > pairs:
        raise UserError(
            f"batch_size {recipe.batch_size}: has too few images for {group.world} processes; each "
            "takes two or more."
        )
    largest = 2 * -(-pairs // group.world)
    return min(largest, asked or recipe.micro_batch or largest)


def _layout(recipe: Recipe) -> torch.memory_format:
    return torch.channels_last if recipe.channels_last else torch.contiguous_format
