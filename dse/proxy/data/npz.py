"""Arrays in a NumPy archive; nothing in it is unpickled."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np

from dse.errors import UserError
from dse.proxy.data.source import ArraySplit, Source, labels_by_name, with_held_out

KEYS: Final = (
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("x_train", "y_train", "x_test", "y_test"),
    ("images", "labels", None, None),
    ("x", "y", None, None),
)
"""Names of the arrays; test arrays may be missing. The first row that is there is read."""


def open_npz(path: Path, *, share: float, seed: int) -> Source:
    """uint8 images, (n, h, w), (n, h, w, c) or (n, c, h, w), with one label each.

    Raises:
        UserError: the file is not readable, or the arrays are not such images and labels.
    """
    try:
        opened = np.load(path, allow_pickle=False)
        if not isinstance(opened, np.lib.npyio.NpzFile):
            raise UserError(f"npz {path}: holds one array, not a named one for each part.")
        with opened as stored:
            keys = next((k for k in KEYS if k[0] in stored and k[1] in stored), None)
            if keys is None:
                known = "; ".join(", ".join(filter(None, row)) for row in KEYS)
                raise UserError(
                    f"npz {path}: holds {', '.join(stored.files) or 'nothing'}; known are {known}."
                )
            arrays = [stored[key] if key and key in stored else None for key in keys]
    except FileNotFoundError:
        raise UserError(f"npz {path}: there is no such file.") from None
    except UserError:
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        pickled = "allow_pickle" in str(error)
        words = "it is no NumPy archive, or holds pickled objects" if pickled else str(error)
        raise UserError(f"npz {path}: cannot be read: {words}.") from None
    train_images, train_names = _split(path, keys[0], arrays[0], keys[1], arrays[1])
    classes = tuple(sorted(set(train_names), key=_in_order))
    if len(classes) < 2:
        raise UserError(f"npz {path}: {keys[1]} has {len(classes)} classes; two are the fewest.")
    channels = 3 if train_images.ndim == 4 and train_images.shape[3] == 3 else 1
    train_labels = labels_by_name(train_names, classes, f"npz {path}")
    train = ArraySplit(train_images, train_labels, "train image")
    if arrays[2] is None or arrays[3] is None:
        return with_held_out(train, classes, channels=channels, share=share, seed=seed)
    test_images, test_names = _split(path, keys[2], arrays[2], keys[3], arrays[3])
    test_labels = labels_by_name(test_names, classes, f"npz {path}: {keys[3]}")
    return Source(
        classes=classes,
        channels=channels,
        train=train,
        test=ArraySplit(test_images, test_labels, "test image"),
    )


def _split(
    path: Path, images_key: Any, images: Any, labels_key: Any, labels: Any
) -> tuple[np.ndarray, list[str]]:
    """Images with their channels last, and each one's class by name."""
    if images.dtype != np.uint8:
        raise UserError(
            f"npz {path}: {images_key} is of {images.dtype}; it must be uint8, from 0 to 255."
        )
    if images.ndim == 4 and images.shape[1] in (1, 3):
        images = images.transpose(0, 2, 3, 1)
    if images.ndim not in (3, 4) or images.shape[3:] not in ((), (1,), (3,)) or not images.size:
        raise UserError(
            f"npz {path}: {images_key} has the shape {images.shape}; it must be (n, h, w), "
            "(n, h, w, c) or (n, c, h, w) with one channel or three."
        )
    labels = labels.reshape(-1) if labels.shape[1:] == (1,) else labels
    if labels.ndim != 1 or labels.dtype.kind not in "iuU":
        raise UserError(f"npz {path}: {labels_key} must hold one whole number or name each.")
    if len(labels) != len(images):
        raise UserError(
            f"npz {path}: {len(images)} {images_key} and {len(labels)} {labels_key}: each image "
            "has one label."
        )
    return images, [str(label) for label in labels.tolist()]


def _in_order(name: str) -> tuple[int, str]:
    """Numbers by their size, before names."""
    return (int(name), "") if name.lstrip("-").isdecimal() else (2**63, name)
