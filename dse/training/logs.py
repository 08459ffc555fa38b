"""What is known after each epoch, as a table in CSV and as curves for TensorBoard."""

from __future__ import annotations

import csv
import importlib.util
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from dse.files import write_whole


@dataclass(frozen=True, kw_only=True)
class EpochRow:
    """The end of one epoch; errors are fractions of all test images.

    Attributes:
        epoch: from 1.
        steps: since the beginning.
        images: training images seen since the beginning.
        learning_rate: of the epoch's last step.
        train_loss: mean over the epoch's training images, mixed and smoothed as they were.
        test_loss, error, top5_error: of the trained weights; top-5 with five classes or more.
        ema_test_loss, ema_error, ema_top5_error: of the averaged ones, where there are any.
        seconds: of the epoch, its evaluation included, without what a kill lost.
        images_per_second: in training, over all processes.
    """

    epoch: int
    steps: int
    images: int
    learning_rate: float
    train_loss: float
    test_loss: float
    error: float
    top5_error: float | None
    ema_test_loss: float | None
    ema_error: float | None
    ema_top5_error: float | None
    seconds: float
    images_per_second: float

    @property
    def counted_error(self) -> float:
        """The error that counts: that of the averaged weights where there are any."""
        return self.error if self.ema_error is None else self.ema_error

    @property
    def counted_loss(self) -> float:
        """The test loss of the weights that count."""
        return self.test_loss if self.ema_test_loss is None else self.ema_test_loss


def write_log(path: Path, rows: Sequence[EpochRow]) -> None:
    """Write all epochs to a CSV file; it is whole at any time, and no epoch is in it twice."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [f.name for f in fields(EpochRow)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    write_whole(path, text.getvalue())


class Board:
    """Curves for TensorBoard in a folder, where it is installed.

    What an earlier process wrote after `step` is hidden, as it is done again.
    """

    def __init__(self, folder: Path, *, step: int) -> None:
        self._writer: Any = None
        if importlib.util.find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(folder, purge_step=step)

    def step(self, step: int, *, loss: float, rate: float) -> None:
        """One of the steps."""
        if self._writer is not None:
            self._writer.add_scalar("train/step_loss", loss, step)
            self._writer.add_scalar("train/learning_rate", rate, step)

    def epoch(self, row: EpochRow) -> None:
        """The end of an epoch, at the number of steps until then."""
        if self._writer is None:
            return
        values = asdict(row)
        for name in ("train_loss", "images_per_second"):
            self._writer.add_scalar(f"train/{name.removeprefix('train_')}", values[name], row.steps)
        for name, value in values.items():
            if ("error" in name or name.endswith("test_loss")) and value is not None:
                self._writer.add_scalar(f"test/{name.replace('test_', '')}", value, row.steps)
        self._writer.flush()

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            self._writer.close()
