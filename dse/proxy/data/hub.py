"""A data set of the Hugging Face hub, by name; the only file that imports `datasets`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dse.errors import UserError
from dse.proxy.data.decode import Raw
from dse.proxy.data.order import Integers
from dse.proxy.data.parquet import IMAGE_COLUMNS, LABEL_COLUMNS, SPLITS
from dse.proxy.data.source import Source, Split, digest_of, with_held_out


class HubSplit(Split):
    """Rows of one split, whose images stay encoded."""

    def __init__(self, rows: Any, image: str, label: str, name: str) -> None:
        self._rows, self._image, self._name = rows, image, name
        self.labels = np.asarray(rows[label], dtype=np.int64)
        if (self.labels < 0).any():
            raise UserError(f"hf {name}: has images without a label.")

    def name(self, index: int) -> str:
        """The split and the row in it."""
        return f"{self._name} row {index}"

    def read(self, indices: Integers) -> Iterator[Raw]:
        """The images asked for."""
        for index in indices:
            image = self._rows[int(index)][self._image]
            if image is not None and not image["bytes"] and image["path"]:
                yield Path(image["path"])
            else:
                yield b"" if image is None else image["bytes"] or b""

    def digest(self) -> str:
        """A hash of what `datasets` says of the rows, and of all labels."""
        return digest_of(str(self._rows.features).encode(), self.labels)


def open_hub(name: str, *, share: float, seed: int) -> Source:
    """`NAME` or `NAME:CONFIG` of the hub; what is not in its cache yet is downloaded.

    Raises:
        UserError: the package is missing, there is no such data set, or it has no labelled
            images.
    """
    try:
        import datasets
    except ImportError:
        raise UserError("hf: needs the package datasets: pip install 'dse[data]'.") from None
    place, _, config = name.partition(":")
    try:
        found = datasets.load_dataset(place, config or None)
    except Exception as error:  # of the network, of the hub, of a file
        words = " ".join(str(error).split())[:300]
        raise UserError(f"hf {name}: cannot be loaded: {words}.") from None
    parts = {key: found[key] for key in SPLITS if key in found}
    if "train" not in parts:
        raise UserError(f"hf {name}: has no split train, only {', '.join(found)}.")
    features = parts["train"].features
    image = next((key for key in IMAGE_COLUMNS if key in features), None)
    label = next((key for key in LABEL_COLUMNS if key in features), None)
    if image is None or label is None or not hasattr(features[label], "names"):
        raise UserError(f"hf {name}: has no image with a class label, only {', '.join(features)}.")
    encoded = datasets.Image(decode=False)
    splits = {
        key: HubSplit(rows.cast_column(image, encoded), image, label, key)
        for key, rows in list(parts.items())[:2]
    }
    train, *others = splits.values()
    classes = tuple(features[label].names)
    if not others:
        return with_held_out(train, classes, channels=3, share=share, seed=seed)
    return Source(classes=classes, channels=3, train=train, test=others[0])
