"""Which images are taken, and in which order: by seed, class by class, never by the machine."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]

_CLASSES: Final = 1
_IMAGES: Final = 2  # the test split draws from 2 + 1
_HELD_OUT: Final = 4


def choose_classes(available: int, wanted: int | None, seed: int) -> Integers:
    """Which classes are kept, ascending; of one seed, fewer are always among more."""
    if wanted is None or wanted >= available:
        return np.arange(available)
    return np.sort(np.random.default_rng((seed, _CLASSES)).permutation(available)[:wanted])


def choose_images(
    labels: Integers, classes: Integers, per_class: int | None, *, seed: int, split: int
) -> Integers:
    """Which images are kept, in stratified order; of one seed, fewer are always among more.

    Args:
        labels: class of each image there is, (n,).
        classes: those to keep.
        per_class: at most so many of each; None is all.
        seed: what decides.
        split: 0 train, 1 test.
    """
    chosen = []
    for label in classes:
        members = np.flatnonzero(labels == label)
        rng = np.random.default_rng((seed, _IMAGES + split, int(label)))
        chosen.append(rng.permutation(members)[:per_class])
    kept = np.concatenate(chosen) if chosen else np.empty(0, np.int64)
    return kept[stratified_order(labels[kept])]


def stratified_order(labels: Integers) -> Integers:
    """An order whose every prefix holds the classes in proportion; a class keeps its own order.

    The k-th of a class's n images stands at (k + 1/2) / n of the whole. Classes of one size so
    take turns, and any prefix holds all of them equally, to within one image.
    """
    place = np.empty(len(labels))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    return np.lexsort((labels, place))


def held_out(labels: Integers, share: float, seed: int) -> npt.NDArray[np.bool_]:
    """Which images become the test split where a source has none: of each class a share.

    At least one image of a class that has two or more, and never all of them.
    """
    test = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        count = min(max(1, round(share * len(members))), len(members) - 1)
        rng = np.random.default_rng((seed, _HELD_OUT, int(label)))
        test[rng.permutation(members)[:count]] = True
    return test
