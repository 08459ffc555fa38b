"""Local parquet files in the layout of Hugging Face; the only file that imports pyarrow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dse.errors import UserError
from dse.proxy.data.decode import Raw
from dse.proxy.data.order import Integers
from dse.proxy.data.source import (
    BLOCK,
    Source,
    Split,
    digest_of,
    labels_by_name,
    with_held_out,
)

if TYPE_CHECKING:
    import pyarrow.parquet as pq

IMAGE_COLUMNS: Final = ("image", "img")
LABEL_COLUMNS: Final = ("label", "labels", "fine_label")
SPLITS: Final = ("train", "validation", "valid", "val", "test")


class ParquetSplit(Split):
    """Rows of some parquet files, in the order of files and rows."""

    def __init__(self, files: list[Path]) -> None:
        self._files = files
        self.names: list[str] = []
        self._groups: list[tuple[Path, int, int]] = []  # file, row group, first row of all
        rows = 0
        for path in files:
            with _opened(path) as file, _readable(path):
                if path == files[0]:
                    self._image = _column(path, file, IMAGE_COLUMNS)
                    label = _column(path, file, LABEL_COLUMNS)
                    class_names = _class_names(file, label)
                    self.classes = class_names
                column = file.read(columns=[label]).column(0).to_pylist()
                self.names += [_class_of(value, class_names, path) for value in column]
                for group in range(file.num_row_groups):
                    self._groups.append((path, group, rows))
                    rows += file.metadata.row_group(group).num_rows
        self._starts = np.array([start for _, _, start in self._groups] or [0])
        self.labels = np.empty(0, np.int64)

    def name(self, index: int) -> str:
        """The file and the row in it."""
        path, _, _ = self._groups[self._group_of(index)]
        first = next(start for file, _, start in self._groups if file == path)
        return f"{path.name} row {index - first}"

    def read(self, indices: Integers) -> Iterator[Raw]:
        """The images asked for, all of one row group."""
        path, group, start = self._groups[self._group_of(int(indices[0]))]
        wanted = {int(index) - start for index in indices}
        with _opened(path) as file:
            row = 0
            for batch in file.iter_batches(BLOCK, row_groups=[group], columns=[self._image]):
                column = batch.column(0)
                for at in range(len(column)):
                    if row + at in wanted:
                        yield _bytes(column[at].as_py())
                row += len(column)
                if row > max(wanted):
                    return

    def digest(self) -> str:
        """A hash of the files' names and sizes, and of all labels."""
        sizes = [path.stat().st_size for path in self._files]
        names = "\0".join(path.name for path in self._files)
        return digest_of(names.encode(errors="replace"), np.array(sizes), self.labels)

    def blocks(self, indices: Integers) -> list[Integers]:
        """By row group, as one is decompressed as a whole."""
        groups = np.searchsorted(self._starts, indices, side="right")
        return np.split(indices, np.flatnonzero(np.diff(groups)) + 1)

    def _group_of(self, index: int) -> int:
        return int(np.searchsorted(self._starts, index, side="right")) - 1


def open_parquet(path: Path, *, share: float, seed: int) -> Source:
    """One parquet file, or a folder of `train-*.parquet` and `validation-*` or `test-*`.

    A split may also be a folder, as in `train/0000.parquet`. Images are bytes or structs with
    bytes; class names come from the file's features where it has them.

    Raises:
        UserError: there are no such files or columns, or one is not readable.
    """
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    if not files:
        raise UserError(f"parquet {path}: holds no .parquet files.")
    by_split: dict[str, list[Path]] = {}
    for file in files:
        by_split.setdefault(_split_of(file, path), []).append(file)
    train = ParquetSplit(by_split.get("train", files))
    if train.classes is None:
        classes = tuple(sorted(set(train.names), key=lambda name: (len(name), name)))
    else:
        classes = train.classes
    if len(classes) < 2:
        raise UserError(f"parquet {path}: has {len(classes)} classes; two are the fewest.")
    train.labels = labels_by_name(train.names, classes, f"parquet {path}")
    held_out = [name for name in SPLITS[1:] if name in by_split and "train" in by_split]
    if not held_out:
        return with_held_out(train, classes, channels=3, share=share, seed=seed)
    test = ParquetSplit(by_split[held_out[0]])
    test.labels = labels_by_name(test.names, classes, f"parquet {path}, {held_out[0]}")
    return Source(classes=classes, channels=3, train=train, test=test)


def _split_of(file: Path, root: Path) -> str:
    """`train` of `train-00000-of-00002.parquet` and of `train/0000.parquet`; else nothing."""
    parts = [file.stem.partition("-")[0]]
    parts += [folder.name for folder in file.parents if folder.is_relative_to(root)][:-1]
    return next((part for part in parts if part in SPLITS), "")


def _opened(path: Path) -> pq.ParquetFile:
    try:
        import pyarrow.parquet
    except ImportError:
        raise UserError("parquet: needs pyarrow: pip install 'dse[data]'.") from None
    with _readable(path):
        return pyarrow.parquet.ParquetFile(path)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    import pyarrow

    try:
        yield
    except FileNotFoundError:
        raise UserError(f"parquet {path}: there is no such file.") from None
    except (OSError, pyarrow.ArrowException) as error:
        words = " ".join(str(error).split()).rstrip(".")
        raise UserError(f"parquet {path}: cannot be read: {words}.") from None


def _column(path: Path, file: pq.ParquetFile, known: tuple[str, ...]) -> str:
    there = file.schema_arrow.names
    found = next((name for name in known if name in there), None)
    if found is None:
        raise UserError(
            f"parquet {path}: has the columns {', '.join(there)}; one must be {' or '.join(known)}."
        )
    return found


def _class_names(file: pq.ParquetFile, label: str) -> tuple[str, ...] | None:
    """As `datasets` keeps them in the file, or None."""
    text = (file.schema_arrow.metadata or {}).get(b"huggingface", b"")
    try:
        names = json.loads(text)["info"]["features"][label]["names"]
        return tuple(map(str, names))
    except (KeyError, TypeError, ValueError):
        return None


def _class_of(value: Any, names: tuple[str, ...] | None, path: Path) -> str:
    if value is None or (isinstance(value, int) and value < 0):
        raise UserError(f"parquet {path}: has rows without a label.")
    if names is None or not isinstance(value, int):
        return str(value)
    if value >= len(names):
        raise UserError(f"parquet {path}: has the label {value} of {len(names)} classes.")
    return names[value]


def _bytes(value: Any) -> bytes:
    """The image's file; nothing where there is only a path, which is then refused as empty."""
    content = value.get("bytes") if isinstance(value, dict) else value
    return content if isinstance(content, bytes) else b""
