"""Which networks learned nothing that the test set can show."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

LEVEL = 0.01


def at_chance(
    errors: ArrayLike, test_images: ArrayLike, classes: ArrayLike, level: float = LEVEL
) -> NDArray[np.bool_]:
    """Whether each network's held-out accuracy is not above chance.

    One-sided exact binomial test of accuracy > 1/classes on `test_images` images, at `level`:
    of the networks that really guess, at most that share escapes the flag. Assumes a test set
    with equally many images a class. NaN errors (no result) are not flagged, and
    neither is anything where the number of images or classes is not known (0).
    """
    error, images, kinds = np.broadcast_arrays(
        *(np.asarray(values, dtype=np.float64) for values in (errors, test_images, classes))
    )
    known = np.isfinite(error) & ~((images == 0) | (kinds == 0))
    correct = np.rint((1 - error[known]) * images[known])
    flagged = np.zeros(error.shape, dtype=np.bool_)
    flagged[known] = stats.binom.sf(correct - 1, images[known], 1 / kinds[known]) > level
    return flagged


def chance_reason(error: float | None, test_images: int, classes: int) -> str | None:
    """Why a training that is complete says nothing of its network, in words; None if it does."""
    if error is None or not at_chance(error, test_images, classes):
        return None
    right = round((1 - error) * test_images)
    return (
        f"at chance: {right} of {test_images} held-out images right is not above one in {classes} "
        f"(exact binomial test at {100 * LEVEL:g} %)"
    )
