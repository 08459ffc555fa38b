"""Training and test images as micro-batches, made by worker processes ahead of the steps."""

from __future__ import annotations

import atexit
import multiprocessing
import signal
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader

from dse.errors import DataError, UserError
from dse.training.distributed import Group
from dse.training.images import ImageSet, ImageSets
from dse.training.order import batches, held_out_share, share
from dse.training.recipe import Recipe
from dse.training.step import Piece


def training_steps(
    sets: ImageSets,
    recipe: Recipe,
    group: Group,
    *,
    epoch: int,
    start: int,
    micro_batch: int,
    workers: int,
) -> Iterator[list[Piece]]:
    """This process's share of each step's batch, from step `start` of an epoch on.

    Which images these are, and their pixels, follows from the recipe's seed, epoch and step alone,
    so neither `workers` nor where one starts matters.
    """
    rows = batches(recipe.seed, epoch, len(sets.train), recipe.batch_size)[start:]
    steps = [
        share(row, rank=group.rank, world=group.world, micro_batch=micro_batch) for row in rows
    ]
    keys = ([(epoch, int(k)) for k in piece.images] for step in steps for piece in step)
    loaded = _loaded(sets.train, keys, group, workers)
    for step in steps:
        yield [
            Piece(first=piece.first, images=images, labels=labels)
            for piece, (images, labels) in zip(step, islice(loaded, len(step)), strict=True)
        ]


def test_pieces(
    sets: ImageSets, group: Group, *, batch: int, workers: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """This process's test images, `batch` at once: (n, c, h, w) and classes (n,)."""
    mine = held_out_share(len(sets.test), rank=group.rank, world=group.world)
    pieces = ([(0, k) for k in mine[start : start + batch]] for start in range(0, len(mine), batch))
    return _loaded(sets.test, pieces, group, workers)


def _loaded(
    images: ImageSet, keys: Iterable[list[tuple[int, int]]], group: Group, workers: int
) -> Iterator[tuple[Tensor, Tensor]]:
    loader: DataLoader[Any] = DataLoader(
        images,
        batch_sampler=keys,
        num_workers=workers,
        pin_memory=group.device.type == "cuda",
        worker_init_fn=_deaf,
    )
    if workers:
        atexit.register(_end_children)
    sentence = None
    try:
        yield from loader
    except UserError as error:  # of a worker, and then with its traceback before the sentence
        sentence = str(error).strip().splitlines()[-1].split("Error: ", 1)[-1]
    if sentence is not None:  # outside, where the error no longer holds the workers
        raise DataError(sentence)


def _deaf(worker: int) -> None:
    """Leave it to the process that trains what a signal to all of them means."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _end_children() -> None:
    """At its end a process asks its workers by SIGTERM, and would wait for deaf ones for ever."""
    for child in multiprocessing.active_children():
        child.kill()
