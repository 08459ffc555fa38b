"""Labelled images: fractals, made once and cached, or a prepared data set, read where it lies."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from dse.config import Config
from dse.errors import DataError, UserError
from dse.files import write_whole
from dse.proxy.data.prepared import PreparedSpec, open_arrays, read_meta
from dse.proxy.fractals import fractal_images

FORMAT: Final = 1  # raised whenever the same spec comes to mean other images


class FractalSpec(Config):
    """The embedded data set: `classes` iterated function systems drawn from `seed`."""

    source: Literal["fractals"] = "fractals"
    classes: Annotated[int, Field(ge=2, le=10_000)] = 20
    train_per_class: Annotated[int, Field(ge=1, le=100_000)] = 300
    test_per_class: Annotated[int, Field(ge=1, le=100_000)] = 100
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0

    @property
    def train_images(self) -> int:
        """Training images there are."""
        return self.classes * self.train_per_class

    @property
    def name(self) -> str:
        """What the data set is called."""
        return self.source


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """uint8 images of shape (n, channels, resolution, resolution) with int64 labels of shape (n,).

    Images are ordered so that any prefix holds all classes equally (to within one), or in
    proportion where classes differ in size. `statistics` are the training images' mean and standard
    deviation, one number a channel, where they are known already.
    """

    train_images: npt.NDArray[np.uint8]
    train_labels: npt.NDArray[np.int64]
    test_images: npt.NDArray[np.uint8]
    test_labels: npt.NDArray[np.int64]
    classes: int
    statistics: tuple[tuple[float, ...], tuple[float, ...]] | None = None

    @property
    def channels(self) -> int:
        """Colour channels of an image."""
        return int(self.train_images.shape[1])

    @property
    def resolution(self) -> int:
        """Pixels along an image's side."""
        return int(self.train_images.shape[2])


def load_dataset(spec: FractalSpec | PreparedSpec, *, resolution: int) -> Dataset:
    """The data set that `spec` describes: fractals from the cache or made now (seconds) and cached.

    Raises:
        DataError: a prepared data set is missing, damaged, or another one than `spec` says.
    """
    if isinstance(spec, PreparedSpec):
        return _open(spec, resolution)
    path = cache_path(spec, resolution=resolution)
    dataset = _read_cache(path)
    if dataset is None:
        dataset = _make(spec, resolution)
        # A cache that cannot be written only costs the next process a few seconds.
        with contextlib.suppress(UserError):
            _write_cache(path, dataset)
    return dataset


def require_there(spec: FractalSpec | PreparedSpec, *, resolution: int) -> None:
    """Make sure that the data set still lies where it was opened; takes milliseconds.

    To read a memory map of a file that was cut short kills a process, so a worker looks before.

    Raises:
        DataError: a prepared data set is missing, damaged, or another one than `spec` says.
    """
    if isinstance(spec, PreparedSpec):
        _open(spec, resolution)


def _open(spec: PreparedSpec, resolution: int) -> Dataset:
    meta = read_meta(spec.path)
    if meta.checksum != spec.checksum:
        raise DataError(
            f"{spec.path}: holds another data set than was asked for: its checksum is "
            f"{meta.checksum}, not {spec.checksum}."
        )
    if meta.request.resolution != resolution:
        raise DataError(
            f"{spec.path}: has images of {meta.request.resolution} px, not {resolution} px."
        )
    return Dataset(
        **open_arrays(spec.path, meta),
        classes=len(meta.classes),
        statistics=(meta.mean, meta.std),
    )


def cache_path(spec: FractalSpec, *, resolution: int) -> Path:
    """The file that caches this data set; its name is a hash of everything that decides it."""
    content = {"format": FORMAT, "resolution": resolution, **spec.model_dump()}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
    return cache_folder() / f"{spec.source}-{digest}.npz"


def cache_folder() -> Path:
    """`$DSE_CACHE`, else `dse` under `$XDG_CACHE_HOME` or `~/.cache`."""
    if own := os.environ.get("DSE_CACHE"):
        return Path(own)
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared) / "dse"
    return Path(os.path.expanduser("~")) / ".cache" / "dse"  # noqa: PTH111 (never raises)


def _make(spec: FractalSpec, resolution: int) -> Dataset:
    def split(number: int, per_class: int) -> tuple[Any, Any]:
        images = fractal_images(
            classes=spec.classes,
            per_class=per_class,
            resolution=resolution,
            seed=spec.seed,
            split=number,
        )
        interleaved = images.swapaxes(0, 1).reshape(-1, 1, resolution, resolution)
        return interleaved, np.tile(np.arange(spec.classes), per_class)

    train_images, train_labels = split(0, spec.train_per_class)
    test_images, test_labels = split(1, spec.test_per_class)
    return Dataset(
        train_images=train_images,
        train_labels=train_labels,
        test_images=test_images,
        test_labels=test_labels,
        classes=spec.classes,
    )


def _read_cache(path: Path) -> Dataset | None:
    """The cached data set, or None where there is none or the file is damaged."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            fields = {name: stored[name] for name in stored.files}
        return Dataset(classes=int(fields.pop("classes")), **fields)
    except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _write_cache(path: Path, dataset: Dataset) -> None:
    file = io.BytesIO()
    np.savez(file, **{name: value for name, value in vars(dataset).items() if value is not None})
    write_whole(path, file.getvalue())
