"""The embedded fractals as a source: the same images as `source: fractals`, at any size."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dse.proxy.data.decode import Raw
from dse.proxy.data.order import Integers
from dse.proxy.data.source import Source, Split, digest_of
from dse.proxy.fractals import draw_images, draw_system

CLASSES, PER_CLASS, TEST_PER_CLASS = 20, 300, 100  # as FractalSpec has them


class FractalSplit(Split):
    """Every class drawn as a whole, by whichever thread has come to it."""

    def __init__(
        self, classes: int, per_class: int, *, resolution: int, seed: int, number: int
    ) -> None:
        self.labels = np.repeat(np.arange(classes), per_class)
        self._per_class, self._resolution = per_class, resolution
        self._seed, self._number = seed, number

    def name(self, index: int) -> str:
        """What an image is called."""
        return f"fractal {index}"

    def read(self, indices: Integers) -> Iterator[Raw]:
        """All images of one class."""
        label = int(indices[0]) // self._per_class
        system = draw_system(np.random.default_rng((self._seed, label)))
        rng = np.random.default_rng((self._seed, label, 1 + self._number))
        images = draw_images(system, self._per_class, self._resolution, rng)
        return (images[index % self._per_class] for index in indices)

    def digest(self) -> str:
        """What the images are drawn from."""
        return digest_of(f"{self._seed} {self._number} {self._resolution}".encode(), self.labels)

    def blocks(self, indices: Integers) -> list[Integers]:
        """By class."""
        return np.split(indices, np.flatnonzero(np.diff(self.labels[indices])) + 1)


def open_fractals(
    *,
    classes: int | None,
    per_class: int | None,
    test_per_class: int | None,
    resolution: int,
    seed: int,
) -> Source:
    """Fractal classes drawn from `seed`, at `resolution` pixels a side."""
    classes = classes or CLASSES
    sizes = (per_class or PER_CLASS, test_per_class or TEST_PER_CLASS)
    train, test = (
        FractalSplit(classes, size, resolution=resolution, seed=seed, number=number)
        for number, size in enumerate(sizes)
    )
    names = tuple(f"fractal_{label}" for label in range(classes))
    return Source(classes=names, channels=1, train=train, test=test)
