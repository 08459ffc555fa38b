"""CIFAR's binary archives (Krizhevsky 2009), as downloaded or extracted; nothing is written.

A record is one label byte (CIFAR-100: the coarse one first) and 3 x 32 x 32 pixels.
"""

from __future__ import annotations

import posixpath
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from dse.errors import UserError
from dse.proxy.data.source import ArraySplit, Source

PIXELS: Final = 3 * 32 * 32
MOST_BYTES: Final = 2**30  # of one file; the real ones have at most 154 million


@dataclass(frozen=True)
class _Layout:
    folder: str
    train: tuple[str, ...]
    test: str
    names: str
    classes: int
    label_bytes: int


LAYOUTS: Final[Mapping[str, _Layout]] = {
    "cifar10": _Layout(
        folder="cifar-10-batches-bin",
        train=tuple(f"data_batch_{k}.bin" for k in range(1, 6)),
        test="test_batch.bin",
        names="batches.meta.txt",
        classes=10,
        label_bytes=1,
    ),
    "cifar100": _Layout(
        folder="cifar-100-binary",
        train=("train.bin",),
        test="test.bin",
        names="fine_label_names.txt",
        classes=100,
        label_bytes=2,
    ),
}


def open_cifar(path: Path, kind: str) -> Source:
    """CIFAR-10 or CIFAR-100 from `cifar-*-binary.tar.gz` or the folder that lies in it.

    Args:
        path: the archive or the folder.
        kind: a key of `LAYOUTS`.

    Raises:
        UserError: a file is missing, truncated or damaged.
    """
    layout = LAYOUTS[kind]
    wanted = (*layout.train, layout.test, layout.names)
    read = _read_folder if path.is_dir() else _read_archive
    files = read(path, layout, wanted)
    missing = [name for name in wanted if name not in files]
    if missing:
        raise UserError(f"{kind} {path}: has no {layout.folder}/{missing[0]}.")
    classes = tuple(files[layout.names].decode(errors="replace").split())
    if len(classes) != layout.classes:
        raise UserError(
            f"{kind} {path}: {layout.names} names {len(classes)} classes, not {layout.classes}."
        )
    parts = [_records(path, name, files[name], layout) for name in layout.train]
    test_images, test_labels = _records(path, layout.test, files[layout.test], layout)
    images, labels = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Source(
        classes=classes,
        channels=3,
        train=ArraySplit(images, labels, "train image"),
        test=ArraySplit(test_images, test_labels, "test image"),
    )


def _read_folder(path: Path, layout: _Layout, wanted: tuple[str, ...]) -> dict[str, bytes]:
    inner = path / layout.folder
    folder = inner if inner.is_dir() else path
    return {name: (folder / name).read_bytes() for name in wanted if (folder / name).is_file()}


def _read_archive(path: Path, layout: _Layout, wanted: tuple[str, ...]) -> dict[str, bytes]:
    """The wanted members, read in memory: a name that leads elsewhere is none of them."""
    places = {posixpath.join(layout.folder, name): name for name in wanted}
    found = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                name = places.get(member.name.removeprefix("./"))
                if name is None or not member.isreg():
                    continue
                if member.size > MOST_BYTES:
                    raise UserError(f"{path}: {member.name} has {member.size:,} bytes: too large.")
                file = archive.extractfile(member)
                assert file is not None  # as it is a regular file
                found[name] = file.read()
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file or folder.") from None
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        words = " ".join(str(error).split()).rstrip(".")
        raise UserError(f"{path}: is not a whole archive: {words}.") from None
    return found


def _records(
    path: Path, name: str, content: bytes, layout: _Layout
) -> tuple[np.ndarray, np.ndarray]:
    size = layout.label_bytes + PIXELS
    if not content or len(content) % size:
        raise UserError(
            f"{path}: {name} has {len(content):,} bytes, which are no whole records of {size}: "
            "it is truncated or another file."
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, size)
    labels = records[:, layout.label_bytes - 1].astype(np.int64)
    if labels.max() >= layout.classes:
        first = int(np.argmax(labels >= layout.classes))
        raise UserError(
            f"{path}: {name}: record {first} has the label {labels[first]}, but there are only "
            f"{layout.classes} classes: it is damaged."
        )
    planes = records[:, layout.label_bytes :].reshape(-1, 3, 32, 32)
    return planes.transpose(0, 2, 3, 1), labels
