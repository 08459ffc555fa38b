"""Images that are arrays already: a prepared data set, and the embedded fractals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from dse.proxy.data.prepared import open_arrays, read_meta
from dse.proxy.datasets import FractalSpec, load_dataset
from dse.proxy.load import load_proxy
from dse.training.pictures import Labels, Pictures, PictureSets

EMBEDDED = "embedded"  # the data set's name, and that of the proxy that has the same images


class ArrayPictures(Pictures):
    """uint8 images (n, channels, side, side), in memory or memory-mapped."""

    def __init__(self, images: npt.NDArray[np.uint8], labels: Labels) -> None:
        assert images.shape[1] in (1, 3)
        self._images, self.labels = images, labels

    def open(self, index: int) -> Image.Image:
        """One image, in mode L or RGB."""
        pixels = self._images[index]
        return Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))


def open_prepared(folder: Path) -> PictureSets:
    """A data set that `dse data prepare` has made, normalised by its own statistics.

    Raises:
        DataError: it is not finished, damaged, or of another format.
    """
    meta = read_meta(folder)
    arrays = open_arrays(folder, meta)
    return PictureSets(
        name=folder.resolve().name,
        classes=meta.classes,
        in_channels=meta.channels,
        mean=tuple(value / 255 for value in meta.mean),
        std=tuple(value / 255 for value in meta.std),
        train=ArrayPictures(arrays["train_images"], arrays["train_labels"]),
        test=ArrayPictures(arrays["test_images"], arrays["test_labels"]),
    )


def open_embedded(resolution: int) -> PictureSets:
    """The images of the proxy preset `embedded`, drawn at `resolution` pixels a side.

    They are its training and its test images, so that errors can be compared with its own.
    """
    proxy = load_proxy(EMBEDDED)
    assert isinstance(proxy.dataset, FractalSpec)
    found = load_dataset(proxy.dataset, resolution=resolution)
    images = found.train_images[: proxy.images]
    return PictureSets(
        name=EMBEDDED,
        classes=tuple(f"fractal_{label}" for label in range(found.classes)),
        in_channels=found.channels,
        mean=(float(images.mean()) / 255,),
        std=(float(images.std()) / 255,),
        train=ArrayPictures(images, found.train_labels[: proxy.images]),
        test=ArrayPictures(found.test_images, found.test_labels),
    )
