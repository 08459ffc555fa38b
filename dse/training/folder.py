"""Image folders in ImageNet's layout, looked over before a training starts."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from dse.errors import DataError, UserError
from dse.network.timm_model import timm_module
from dse.proxy.data.folder import HELD_OUT, FolderSplit
from dse.training.pictures import Pictures, PictureSets

SAMPLED: Final = 32  # files of a split that are opened before the start, besides first and last
MOST_ODD: Final = 1000  # of the files without an image's suffix, so many are opened too


class FolderPictures(Pictures):
    """Files below one folder for each class, as RGB.

    Neither EXIF's orientation nor transparency is looked at, as nothing does where ConvNeXt was
    trained (`dse data prepare` minds both).
    """

    def __init__(self, split: FolderSplit, root: Path) -> None:
        self.labels, self._root = split.labels, root
        # one array, as millions of Python's strings would be copied into every loader's worker
        self._files = np.array([os.fsencode(file) for file in split.files], dtype=np.bytes_)

    def path(self, index: int) -> Path:
        """The file of a picture."""
        return self._root / os.fsdecode(self._files[index])

    def open(self, index: int) -> Image.Image:
        """One file's picture.

        Raises:
            DataError: it is no image or is damaged.
        """
        path = self.path(index)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # PIL's, of odd metadata
                with Image.open(path) as image:
                    return image.convert("RGB")
        except FileNotFoundError:
            raise DataError(f"{path}: is not there, or a link that leads nowhere.") from None
        except Exception as error:  # a decoder meets damage with almost any exception
            raise DataError(f"{path}: cannot be read as an image: {_reason(error)}.") from None


def open_folder(folder: Path) -> PictureSets:
    """`folder/train/CLASS/IMAGE` beside `val`, `validation` or `test`, normalised as ImageNet is.

    Every file is listed, and of each split the first, the last and 32 others are opened, and files
    whose suffix is not one of an image. Hidden files are left out.

    Raises:
        UserError: a split is missing, has no or an empty class; the classes of the two differ; a
            link leads nowhere; a file is empty, or one that was opened is no image.
    """
    held_out = [name for name in HELD_OUT if (folder / name).is_dir()]
    if not (folder / "train").is_dir() or not held_out:
        lacking = "val" if (folder / "train").is_dir() else "train"
        raise UserError(
            f"{folder}: has no folder {lacking}; images lie in {folder}/train/CLASS/IMAGE and "
            f"{folder}/val/CLASS/IMAGE."
        )
    train_root, test_root = folder / "train", folder / held_out[0]
    train = _listed(train_root)
    if len(train.classes) < 2:
        raise UserError(
            f"{train_root}: holds {len(train.classes)} folders with images; a class is a folder, "
            "two at least."
        )
    test = _listed(test_root, train.classes)
    data = timm_module("timm.data")
    return PictureSets(
        name=folder.resolve().name,
        classes=train.classes,
        in_channels=3,
        mean=data.IMAGENET_DEFAULT_MEAN,
        std=data.IMAGENET_DEFAULT_STD,
        train=_looked_over(train, train_root, train.classes),
        test=_looked_over(test, test_root, train.classes),
    )


def _listed(root: Path, classes: tuple[str, ...] | None = None) -> FolderSplit:
    try:
        return FolderSplit(root, classes)
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be read: {error.strerror}.") from None


def _looked_over(split: FolderSplit, root: Path, classes: tuple[str, ...]) -> FolderPictures:
    empty = sorted(set(split.folders) - {classes[label] for label in np.unique(split.labels)})
    if empty:
        raise UserError(f"{root / empty[0]}: holds no images; fill or remove this class.")
    lacking = sorted(set(classes) - set(split.folders))
    if lacking:
        raise UserError(f"{root}: lacks the class {lacking[0]!r}, which the training images have.")
    pictures = FolderPictures(split, root)
    for index in np.flatnonzero(np.array(split.sizes) <= 0)[:1]:
        why = "is empty (zero bytes)" if split.sizes[index] == 0 else "is a link that leads nowhere"
        raise UserError(f"{pictures.path(index)}: {why}; mend or remove it.")
    for index in _worth_opening(split.files):
        try:
            pictures.open(index)
        except DataError as error:
            raise UserError(f"{str(error).rstrip('.')}; mend or remove it.") from None
    return pictures


def _worth_opening(files: Sequence[str]) -> list[int]:
    """First, last, some at random (always the same), and what does not look like an image."""
    count, known = len(files), Image.registered_extensions()
    odd = [k for k, file in enumerate(files) if f".{file.rpartition('.')[2].lower()}" not in known]
    sample = np.random.default_rng(0).permutation(count)[:SAMPLED]
    return sorted({0, count - 1, *odd[:MOST_ODD], *sample.tolist()})


def _reason(error: Exception) -> str:
    """The error's own words in a line, without addresses in memory."""
    words = re.sub(r"<[^<>]*>", "", " ".join(str(error).split()))[:200].strip()
    return words.rstrip(".") or type(error).__name__
