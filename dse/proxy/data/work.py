"""What makes a preparation resumable: a file of pixels, and a list of what it surely holds."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np

from dse.errors import UserError
from dse.files import write_whole
from dse.proxy.data.decode import Bytes
from dse.proxy.data.order import Integers
from dse.proxy.data.prepared import WORK, SplitName

PLAN: Final = "plan.json"
DONE: Final = "done.jsonl"
LOCK: Final = "lock"


class ImageFile:
    """A `.npy` file of uint8 images that is written image by image, in any order.

    Written, not memory-mapped: on a full disk a mapped write ends the process without a word.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int, int]) -> None:
        self.path, self.shape = path, shape
        header = BytesIO()
        described = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(header, described)
        self._header = header.getvalue()
        self._image = int(np.prod(shape[1:]))
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            os.pwrite(self._descriptor, self._header, 0)
            os.ftruncate(self._descriptor, len(self._header) + shape[0] * self._image)
        except OSError:
            self.close()
            raise

    def write(self, place: int, image: Bytes) -> None:
        """Put an image (channels, side, side) at its place."""
        assert image.shape == self.shape[1:]
        content, at = image.tobytes(), len(self._header) + place * self._image
        while content:
            count = os.pwrite(self._descriptor, content, at)
            content, at = content[count:], at + count

    def flush(self) -> None:
        """Return once the disk has all that was written."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


@dataclass
class Progress:
    """What is surely on disk: blocks by split, and which of their images were refused and why."""

    blocks: dict[SplitName, set[int]] = field(
        default_factory=lambda: {"train": set(), "test": set()}
    )
    refused: dict[SplitName, dict[int, str]] = field(
        default_factory=lambda: {"train": {}, "test": {}}
    )

    def refusals(self) -> int:
        """How many images were refused so far."""
        return sum(map(len, self.refused.values()))


class Work:
    """The folder of an unfinished preparation."""

    def __init__(self, target: Path) -> None:
        self.target, self.folder = target, target / WORK
        self.progress = Progress()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder, which is made if it is not there.

        Raises:
            UserError: another process holds it, or it cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise UserError(f"{self.target}: cannot be written: {error.strerror}.") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"{self.target}: another process is preparing it; wait for it."
            ) from None
        else:
            yield
        finally:
            os.close(descriptor)

    def is_started(self) -> bool:
        """Whether there is something to go on with."""
        return (self.folder / PLAN).exists()

    def start(self, plan: Mapping[str, Any]) -> None:
        """Begin, or go on with what is done of the same plan.

        Raises:
            UserError: what is there is of another plan.
        """
        path = self.folder / PLAN
        if not path.exists():
            (self.folder / DONE).unlink(missing_ok=True)
            write_whole(path, json.dumps(plan, indent=1))
        elif json.loads(path.read_text(encoding="utf-8")) != json.loads(json.dumps(plan)):
            raise UserError(
                f"{self.target}: holds the unfinished preparation of other images or options; "
                "delete that folder, or choose another with -o."
            )
        lines = self._lines()
        for line in lines:
            split = line["split"]
            self.progress.blocks[split].update(line["blocks"])
            self.progress.refused[split].update((index, why) for index, why in line["refused"])
        # a line that a kill has cut short is left out, so that the next one starts afresh
        write_whole(self.folder / DONE, "".join(json.dumps(line) + "\n" for line in lines))

    def record(
        self, split: SplitName, blocks: Sequence[int], refused: Sequence[tuple[int, str]]
    ) -> None:
        """Note that the pixels of these blocks are on disk."""
        self.progress.blocks[split].update(blocks)
        self.progress.refused[split].update(refused)
        line = json.dumps({"split": split, "blocks": list(blocks), "refused": list(refused)})
        with (self.folder / DONE).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())

    def finish(self) -> None:
        """Remove the folder; only what this class has put there."""
        for name in (DONE, LOCK, PLAN):
            with suppress(OSError):
                (self.folder / name).unlink()
        with suppress(OSError):
            self.folder.rmdir()

    def _lines(self) -> list[dict[str, Any]]:
        path = self.folder / DONE
        lines = []
        for text in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            try:
                lines.append(json.loads(text))
            except ValueError:
                break
        return lines


def without(path: Path, shape: tuple[int, int, int, int], kept: Integers) -> None:
    """Rewrite a file of images of `shape` with only those at the places `kept`, in this order.

    Doing it twice is doing it once: a file that has as few images already stays as it is.
    """
    images = np.load(path, mmap_mode="r")
    if images.shape[0] == len(kept):
        return
    assert images.shape == shape
    fresh = path.with_name(f".{path.name}.fresh")
    file = ImageFile(fresh, (len(kept), *shape[1:]))
    try:
        for place, at in enumerate(kept):
            file.write(place, images[at])
        file.flush()
    finally:
        file.close()
    fresh.replace(path)
