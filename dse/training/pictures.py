"""What images come from: labelled pictures in two splits, as PIL has them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

Labels = npt.NDArray[np.int64]


class Pictures(ABC):
    """One split: pictures that are opened one by one, and the class of each."""

    labels: Labels
    """(n,)"""

    @abstractmethod
    def open(self, index: int) -> Image.Image:
        """A picture, in mode L or RGB.

        Raises:
            DataError: it cannot be read; the sentence names it.
        """


@dataclass(frozen=True, kw_only=True)
class PictureSets:
    """Training and test pictures of the same classes.

    Attributes:
        name: what the data set is called.
        classes: names; a label is a place in this list.
        in_channels: 1 for pictures of mode L, 3 for RGB.
        mean, std: by which pixels from 0 to 1 are normalised, one number a channel.
        train: what is trained on.
        test: what is held out.
    """

    name: str
    classes: Sequence[str]
    in_channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    train: Pictures
    test: Pictures
