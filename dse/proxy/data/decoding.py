"""Decode many images at once: blocks in threads, pixels to their places, notes of what is done."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from dse.errors import UserError
from dse.proxy.data.decode import Bytes, Raw, RefusedError, decode
from dse.proxy.data.order import Integers
from dse.proxy.data.prepared import RefusedImage, SplitName
from dse.proxy.data.source import Split
from dse.proxy.data.work import ImageFile, Work

NAMED: Final = 3  # refused images that an error names

OnProgress = Callable[[int, int, int], None]
"""Called with (images done, images in all, images refused)."""

Shape = tuple[int, int, int]
"""Channels, height, width."""


@dataclass(frozen=True)
class Part:
    """The images taken of one split, in their final order while none is refused."""

    name: SplitName
    split: Split
    chosen: Integers
    file: Path

    def blocks(self) -> list[Integers]:
        """What is read together, in the source's order."""
        return self.split.blocks(np.sort(self.chosen))


@dataclass(kw_only=True)
class Decoding:
    """One pass over all images that are not on disk yet.

    Attributes:
        parts: the splits.
        shape: of an image.
        work: keeps what is done.
        workers: threads.
        max_bad: share of images that may be refused.
        checkpoint: images between two notes of what is on disk.
        on_progress: hears of every block.
    """

    parts: list[Part]
    shape: Shape
    work: Work
    workers: int
    max_bad: float
    checkpoint: int
    on_progress: OnProgress | None
    done: int = 0
    total: int = field(init=False)

    def __post_init__(self) -> None:
        self.total = sum(len(part.chosen) for part in self.parts)

    def run(self) -> None:
        """Decode what is missing.

        Raises:
            UserError: too many images are refused, or memory is short.
        """
        self._require_few()
        with warnings.catch_warnings(), ThreadPoolExecutor(self.workers) as pool:
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # refused by size here
            for part in self.parts:
                self._decode_part(part, pool)

    def _decode_part(self, part: Part, pool: ThreadPoolExecutor) -> None:
        blocks, before = part.blocks(), self.work.progress.blocks[part.name]
        missing = [number for number in range(len(blocks)) if number not in before]
        self.done += len(part.chosen) - sum(len(blocks[number]) for number in missing)
        if not missing:
            return
        places = np.empty(len(part.split.labels), np.int64)
        places[part.chosen] = np.arange(len(part.chosen))
        file = ImageFile(part.file, (len(part.chosen), *self.shape))
        noted: list[int] = []
        refused: list[tuple[int, str]] = []
        since = 0
        try:
            for number, images in _in_parallel(
                pool, self.workers, part.split, blocks, missing, self.shape
            ):
                for index, image in zip(blocks[number].tolist(), images, strict=True):
                    if isinstance(image, str):
                        refused.append((index, image))
                    else:
                        file.write(int(places[index]), image)
                noted.append(number)
                since += len(images)
                self.done += len(images)
                if since >= self.checkpoint or self._too_many(refused):
                    file.flush()
                    self.work.record(part.name, noted, refused)
                    noted, refused, since = [], [], 0
                    self._require_few()
                if self.on_progress:
                    count = self.work.progress.refusals() + len(refused)
                    self.on_progress(self.done, self.total, count)
            file.flush()
            self.work.record(part.name, noted, refused)
            self._require_few()
        finally:
            file.close()

    def _too_many(self, refused: list[tuple[int, str]]) -> bool:
        return self.work.progress.refusals() + len(refused) > int(self.max_bad * self.total)

    def _require_few(self) -> None:
        if not self._too_many([]):
            return
        count, found = self.work.progress.refusals(), refused_images(self.work, self.parts)
        named = "; ".join(f"{i.split}: {i.name} {i.reason}" for i in found[:NAMED])
        raise UserError(
            f"{count} of {self.total} images are refused, more than --max-bad allows "
            f"({int(self.max_bad * self.total)}): {named}{'; ...' if count > NAMED else ''}."
        )


def refused_images(work: Work, parts: list[Part]) -> list[RefusedImage]:
    """Every image that was refused so far, in the sources' order."""
    return [
        RefusedImage(split=part.name, name=part.split.name(index), reason=reason)
        for part in parts
        for index, reason in sorted(work.progress.refused[part.name].items())
    ]


def _in_parallel(
    pool: ThreadPoolExecutor,
    workers: int,
    split: Split,
    blocks: list[Integers],
    missing: list[int],
    shape: Shape,
) -> Iterator[tuple[int, list[Bytes | str]]]:
    """Blocks as they become ready, with few of them waiting in memory."""
    waiting = iter(missing)
    running: dict[Future[list[Bytes | str]], int] = {}
    try:
        while True:
            for number in itertools.islice(waiting, 2 * workers - len(running)):
                running[pool.submit(_decode_block, split, blocks[number], shape)] = number
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()
    finally:
        for future in running:
            future.cancel()


def _decode_block(split: Split, indices: Integers, shape: Shape) -> list[Bytes | str]:
    """Pixels of each image, or the reason why there are none."""
    found: list[Bytes | str] = []
    images: Iterator[Raw] | None = None
    while len(found) < len(indices):
        try:
            images = images or split.read(indices)
            found.append(decode(next(images), resolution=shape[1], channels=shape[0]))
        except RefusedError as error:
            found.append(str(error))
        except MemoryError:
            raise UserError("the images do not fit into memory; take fewer --workers.") from None
        except Exception as error:  # of the reader, which is lost with all that would follow
            reason = f"cannot be read: {' '.join(str(error).split())[:200] or type(error).__name__}"
            found += [reason] * (len(indices) - len(found))
    return found
