"""Which images each process computes in each step, the same together on any number of them.

A step's batch is a row of pairs: images 2k and 2k + 1 of it are one pair, which mixup mixes. Pairs
are never divided, so that neither the number of processes nor the size of micro-batches decides
which images meet.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dse.training.drawing import ORDER

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class MicroBatch:
    """Images that one process computes at once.

    Attributes:
        first: place of its first image in the step's batch, an even number.
        images: their indices in the data set, (n,) with n even.
    """

    first: int
    images: IntArray


def order(seed: int, epoch: int, count: int) -> IntArray:
    """The order of `count` training images in an epoch, from 0: (seed, epoch) alone decides it."""
    rng = np.random.default_rng((seed, ORDER, epoch))
    return rng.permutation(count)


def batches(seed: int, epoch: int, count: int, batch_size: int) -> IntArray:
    """The images of all steps of an epoch, (steps, batch_size), without the smaller last batch."""
    steps = count // batch_size
    return order(seed, epoch, count)[: steps * batch_size].reshape(steps, batch_size)


def share(batch: IntArray, *, rank: int, world: int, micro_batch: int) -> list[MicroBatch]:
    """What process `rank` of `world` computes of a step's `batch`, in nearly equal micro-batches.

    None is larger than `micro_batch` (an even number). Shares of processes differ by one pair where
    the batch cannot be divided evenly: weight losses by images, not by micro-batches.
    """
    pairs = len(batch) // 2
    assert len(batch) % 2 == micro_batch % 2 == 0
    assert 0 <= rank < world <= pairs
    start, stop = rank * pairs // world, (rank + 1) * pairs // world
    parts = -(-(stop - start) // (micro_batch // 2))
    edges = [2 * (start + (stop - start) * part // parts) for part in range(parts + 1)]
    return [
        MicroBatch(first=first, images=batch[first:end]) for first, end in itertools.pairwise(edges)
    ]


def held_out_share(count: int, *, rank: int, world: int) -> range:
    """The test images of process `rank` of `world`: over all processes every image exactly once."""
    return range(rank, count, world)
