"""Who is told how a full training goes: nobody, a terminal, plain lines, or a program."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dse.training.distributed import Group
from dse.training.logs import EpochRow
from dse.units import format_duration


class Report:
    """Is told, and says nothing: what processes but the first do."""

    def note(self, sentence: str) -> None:
        """Something that happens once."""

    def step(self, epoch: int, step: int, loss: float) -> None:
        """Steps of an epoch that are done, both from 1, and the newest mean loss of a batch."""

    def epoch(self, row: EpochRow) -> None:
        """The end of an epoch."""


class Lines(Report):
    """A line for each epoch and each note."""

    def __init__(self, epochs: int, console: Console) -> None:
        self.epochs, self.console = epochs, console

    def note(self, sentence: str) -> None:
        """Print it."""
        self.console.print(sentence, markup=False, highlight=False, soft_wrap=True)

    def epoch(self, row: EpochRow) -> None:
        """Print what people look at."""
        self.note(epoch_text(row, self.epochs))


class Bar(Lines):
    """Lines above a bar with the epoch's steps."""

    def __init__(self, epochs: int, steps: int, console: Console, bar: Progress) -> None:
        super().__init__(epochs, console)
        self._bar, self._steps = bar, steps
        self._task = bar.add_task("epoch 1", total=steps * epochs, loss="")

    def step(self, epoch: int, step: int, loss: float) -> None:
        """Move the bar."""
        done = (epoch - 1) * self._steps + step
        text = f"epoch {epoch} of {self.epochs}"
        self._bar.update(self._task, completed=done, description=text, loss=f"loss {loss:.4f}")


class Json(Report):
    """Epochs as JSON Lines on stdout, notes on stderr."""

    def note(self, sentence: str) -> None:
        """Print it, out of the way."""
        print(sentence, file=sys.stderr, flush=True)

    def epoch(self, row: EpochRow) -> None:
        """Print all of it."""
        print(json.dumps(asdict(row)), flush=True)


@contextmanager
def reporting(group: Group, *, epochs: int, steps: int, as_json: bool) -> Iterator[Report]:
    """Who is told by this process: process 0 alone prints."""
    console = Console()
    if not group.leads:
        yield Report()
    elif as_json:
        yield Json()
    elif not console.is_terminal:
        yield Lines(epochs, console)
    else:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[loss]}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console, transient=True) as bar:
            yield Bar(epochs, steps, console, bar)


def epoch_text(row: EpochRow, epochs: int) -> str:
    """An epoch in one line."""
    average = "" if row.ema_error is None else f", averaged weights {row.ema_error:.2%}"
    top5 = "" if row.top5_error is None else f" (top-5 {row.top5_error:.2%})"
    return (
        f"Epoch {row.epoch} of {epochs}: training loss {row.train_loss:.4f}, "
        f"test loss {row.test_loss:.4f}, error {row.error:.2%}{top5}{average}; "
        f"{format_duration(row.seconds)}, {row.images_per_second:.3g} images/s"
    )
