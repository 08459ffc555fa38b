"""Image folders: PATH/train/CLASS/* beside PATH/val, validation or test, or PATH/CLASS/*."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from dse.errors import UserError
from dse.proxy.data.decode import Raw
from dse.proxy.data.order import Integers
from dse.proxy.data.source import Source, Split, digest_of, labels_by_name, with_held_out

HELD_OUT: Final = ("val", "validation", "test")
"""Folders that hold the test split; the first that is there."""


class FolderSplit(Split):
    """Files below one folder for each class.

    Attributes:
        folders: names of the folders there are, also of those without a file.
        classes: names of the classes, by label.
        files: seen from the split's folder.
        sizes: bytes of each file; -1 for a link that leads nowhere.
    """

    def __init__(self, root: Path, classes: tuple[str, ...] | None = None) -> None:
        names: list[str] = []
        self.files: list[str] = []
        self.sizes: list[int] = []
        self.folders = _folders(root)
        for folder in self.folders:
            for path, size in _files(root / folder):
                self.files.append(os.path.relpath(path, root))
                self.sizes.append(size)
                names.append(folder)
        self._root = root
        self.classes = classes or tuple(sorted(set(names)))
        self.labels = labels_by_name(names, self.classes, str(root))

    def name(self, index: int) -> str:
        """The file, seen from its split's folder."""
        return os.fsencode(self.files[index]).decode(errors="replace")

    def read(self, indices: Integers) -> Iterator[Raw]:
        """The files; whoever decodes reads them."""
        return (self._root / self.files[index] for index in indices)

    def digest(self) -> str:
        """A hash of the files' names and sizes."""
        return digest_of(os.fsencode("\0".join(self.files)), np.array(self.sizes), self.labels)


def open_folder(path: Path, *, share: float, seed: int) -> Source:
    """An image folder as a source.

    Raises:
        UserError: it is not there or holds no class folders with images.
    """
    if not path.is_dir():
        raise UserError(f"folder {path}: there is no such folder.")
    has_splits = (path / "train").is_dir() and bool(_folders(path / "train"))
    train = FolderSplit(path / "train" if has_splits else path)
    if len(train.classes) < 2:
        raise UserError(
            f"folder {path}: holds {len(train.classes)} folders with images; a class is a folder, "
            f"two at least, as in {path}/train/CLASS/IMAGE or {path}/CLASS/IMAGE."
        )
    beside = [name for name in HELD_OUT if has_splits and (path / name).is_dir()]
    if not beside:
        return with_held_out(train, train.classes, channels=3, share=share, seed=seed)
    test = FolderSplit(path / beside[0], train.classes)
    if not len(test.labels):
        raise UserError(f"folder {path / beside[0]}: holds no class folders with images.")
    return Source(classes=train.classes, channels=3, train=train, test=test)


def _folders(root: Path) -> list[str]:
    try:
        with os.scandir(root) as entries:
            return sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))
    except OSError as error:
        raise UserError(f"folder {root}: cannot be read: {error.strerror}.") from None


def _files(folder: Path) -> list[tuple[str, int]]:
    """Every file below a folder but hidden ones, with its size in bytes, in order."""
    found = []
    pending = [str(folder)]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                elif not entry.is_dir():  # a link to a folder may lead round in a circle
                    found.append((entry.path, _size(entry)))
    return sorted(found)


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat().st_size
    except OSError:  # a link that leads nowhere is refused when it is read
        return -1
