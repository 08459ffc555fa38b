"""The verb that trains one network fully."""

from __future__ import annotations

import sys
from typing import Any

import click

from dse.cli.options import JSON


@click.command()
@click.argument("config", metavar="CONFIG")
@click.option(
    "--data",
    required=True,
    help="Folder with train/CLASS/... and val/CLASS/..., one made by `dse data prepare`, or "
    "embedded.",
)
@click.option("-o", "--output", default=None, help="Folder; by default run/ beside CONFIG.")
@click.option("--recipe", default=None, metavar="NAME|FILE", help="In place of CONFIG's own.")
@click.option(
    "--init", "initial", default=None, metavar="timm:NAME|FILE", help="Weights to begin with."
)
@click.option(
    "--workers",
    default=None,
    type=click.IntRange(0),
    help="Processes that make images, for each process that trains; by default up to 8 beside a "
    "GPU, none beside a CPU.",
)
@click.option(
    "--micro-batch",
    default=None,
    type=click.IntRange(2),
    help="Images computed at once at most; even. The batch stays the recipe's.",
)
@click.option(
    "--keep-every",
    "minutes",
    default=10.0,
    show_default=True,
    type=click.FloatRange(0),
    help="Minutes between checkpoints within an epoch.",
)
@JSON
def train(minutes: float, **options: Any) -> None:
    """Train one network fully as CONFIG says, on one device or under torchrun on many.

    The same command goes on after any kill. With torchrun:
    torchrun --nproc_per_node 8 -m dse train CONFIG --data DIR
    """
    from dse.errors import UserError
    from dse.jobs.train import train_job

    size = options["micro_batch"]
    if size is not None and size % 2:
        raise UserError(f"--micro-batch {size}: must be even, as mixup mixes pairs of images")
    sys.exit(train_job(keep_every=60 * minutes, **options))
