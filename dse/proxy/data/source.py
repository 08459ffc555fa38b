"""What a source of images is: classes and two splits, whose images are read in blocks."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from dse.errors import UserError
from dse.proxy.data.decode import Raw
from dse.proxy.data.order import Integers, held_out

BLOCK: Final = 64  # images that one thread reads one after the other


class Split(ABC):
    """Images that are there, not decoded yet."""

    labels: Integers
    """Class of each image, (n,)."""

    @abstractmethod
    def name(self, index: int) -> str:
        """What an image is called when it is refused."""

    @abstractmethod
    def read(self, indices: Integers) -> Iterator[Raw]:
        """The images asked for (ascending, of one block), one by one; called in any thread."""

    @abstractmethod
    def digest(self) -> str:
        """A hash that changes when the images do, as far as can be seen without decoding."""

    def blocks(self, indices: Integers) -> list[Integers]:
        """Ascending indices in groups that are best read together."""
        return [indices[at : at + BLOCK] for at in range(0, len(indices), BLOCK)]


class ArraySplit(Split):
    """Images that are already pixels: (n, height, width[, channels]) of uint8, in memory."""

    def __init__(self, images: np.ndarray, labels: Integers, called: str) -> None:
        self.images, self.labels, self._called = images, labels, called

    def name(self, index: int) -> str:
        """What an image is called when it is refused."""
        return f"{self._called} {index}"

    def read(self, indices: Integers) -> Iterator[Raw]:
        """The images asked for."""
        return (self.images[index] for index in indices)

    def digest(self) -> str:
        """A hash of all pixels and labels."""
        return digest_of(np.ascontiguousarray(self.images), self.labels)


class PartSplit(Split):
    """Some images of another split, under new labels."""

    def __init__(self, whole: Split, members: Integers) -> None:
        self.whole, self.members = whole, members
        self.labels = whole.labels[members]

    def name(self, index: int) -> str:
        """What an image is called when it is refused."""
        return self.whole.name(int(self.members[index]))

    def read(self, indices: Integers) -> Iterator[Raw]:
        """The images asked for."""
        return self.whole.read(self.members[indices])

    def digest(self) -> str:
        """A hash of the whole and of what is taken."""
        return digest_of(self.whole.digest().encode(), self.members)

    def blocks(self, indices: Integers) -> list[Integers]:
        """As the whole groups them; members ascend, so that blocks do."""
        groups = self.whole.blocks(self.members[indices])
        return np.split(indices, np.cumsum([len(group) for group in groups])[:-1])


@dataclass(frozen=True, kw_only=True)
class Source:
    """Two splits of images of the same classes.

    Attributes:
        classes: their names; a label is a place in this list.
        channels: 3 for RGB, 1 for grey.
        train: what is trained on.
        test: what is held out.
    """

    classes: Sequence[str]
    channels: int
    train: Split
    test: Split


def with_held_out(
    split: Split, classes: Sequence[str], *, channels: int, share: float, seed: int
) -> Source:
    """A source out of a single split: a stratified share of it, drawn by seed, is held out."""
    test = held_out(split.labels, share, seed)
    return Source(
        classes=classes,
        channels=channels,
        train=PartSplit(split, np.flatnonzero(~test)),
        test=PartSplit(split, np.flatnonzero(test)),
    )


def digest_of(*parts: bytes | np.ndarray) -> str:
    """SHA-256 over bytes and arrays, each with its length."""
    found = hashlib.sha256()
    for part in parts:
        size = len(part) if isinstance(part, bytes) else part.nbytes
        found.update(f"{size}:".encode())
        found.update(part if isinstance(part, bytes) else np.ascontiguousarray(part).data)
    return found.hexdigest()


def labels_by_name(names: Sequence[str], classes: Sequence[str], where: str) -> Integers:
    """Each name's place among the classes.

    Raises:
        UserError: a name is none of the classes.
    """
    known = {name: place for place, name in enumerate(classes)}
    unknown = sorted({name for name in names if name not in known})
    if unknown:
        raise UserError(f"{where}: has the class {unknown[0]!r}, which the training images lack.")
    return np.array([known[name] for name in names], dtype=np.int64)
