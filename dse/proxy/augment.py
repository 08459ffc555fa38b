"""Random changes to a batch of training images, made on the device for all images at once.

They are drawn from (trial seed, step) alone: the batch of a step is the same whether the training
ran through or was resumed there. On another kind of device the draws differ.
"""

from __future__ import annotations

import math
from typing import Annotated, Final, Self

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field, model_validator

from dse.config import Config
from dse.proxy.device_data import DeviceData

Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Alpha = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]

RATIO: Final = 4 / 3
"""Crops are between 3:4 and 4:3 (Szegedy et al. 2015)."""
ERASED: Final = (0.02, 1 / 3)
"""Share of an image that erasing covers (Zhong et al. 2020, as timm has it)."""

Tensor = torch.Tensor


class Augment(Config):
    """Which changes are made; all are off by default.

    Attributes:
        pad_crop: pixels of mirrored border from which a random window is cut; 0 is off.
        resized_crop: lowest and highest share of the area that is cut out, between 3:4 and 4:3, and
            resized to the full resolution (Szegedy et al. 2015).
        flip: mirror each image left to right with probability 1/2.
        mixup: alpha of the beta distribution of the mixing weight (Zhang et al. 2018); 0 is off.
        cutmix: alpha of that of the kept share (Yun et al. 2019); 0 is off. With both, each batch
            gets one of them with probability 1/2.
        erase: probability that a rectangle of an image becomes the mean (Zhong et al. 2020).
    """

    pad_crop: Annotated[int, Field(ge=0, le=512)] = 0
    resized_crop: tuple[Share, Share] | None = None
    flip: bool = False
    mixup: Alpha = 0.0
    cutmix: Alpha = 0.0
    erase: Probability = 0.0

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.resized_crop and self.resized_crop[0] > self.resized_crop[1]:
            raise ValueError("resized_crop must give the lowest share first")
        if self.resized_crop and self.pad_crop:
            raise ValueError("give pad_crop or resized_crop, not both")
        return self

    @property
    def is_off(self) -> bool:
        """Whether images stay as they are."""
        return self == Augment()


class Augmenter:
    """Makes the training batches of one training: images of `data` as `augment` changes them."""

    def __init__(self, augment: Augment, data: DeviceData, *, seed: int) -> None:
        self.augment, self.data, self.seed = augment, data, seed
        self.random = torch.Generator(data.device)

    def batch(self, pixels: Tensor, labels: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """Float32 images (b, c, r, r), channels_last, and what they show, for step 0, 1, ...

        `pixels` (b, r, r, c) and `labels` (b,) are of the step's images, as they are stored.
        That is class numbers (b,), or class probabilities (b, classes) once images are mixed. The
        first arithmetic of the network casts the images to its own type.
        """
        if self.augment.is_off:
            return self.data.normalised(pixels), labels
        self.random.manual_seed(_stream(self.seed, step))
        if self.augment.pad_crop or self.augment.flip:
            pixels = self._moved(pixels)
        images = self.data.normalised(pixels)
        if self.augment.resized_crop:
            images = self._resized(images, *self.augment.resized_crop)
        if self.augment.erase:
            images = self._erased(images)
        if self.augment.mixup or self.augment.cutmix:
            images, labels = self._mixed(images, labels)
        return images.contiguous(memory_format=torch.channels_last), labels

    def _uniform(self, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self.random, device=self.data.device)

    def _moved(self, pixels: Tensor) -> Tensor:
        """Shifted and mirrored uint8 images (b, r, r, c), by one look-up of each pixel."""
        batch, size = len(pixels), pixels.shape[1]
        here = torch.arange(size, device=pixels.device)
        rows = columns = here.expand(batch, size)
        if self.augment.flip:
            columns = torch.where(self._uniform(batch, 1) < 0.5, size - 1 - columns, columns)
        if border := self.augment.pad_crop:
            shifts = (self._uniform(2, batch, 1) * (2 * border + 1)).long() - border
            rows, columns = (
                _mirrored(x + s, size) for x, s in zip((rows, columns), shifts, strict=True)
            )
        image = torch.arange(batch, device=pixels.device)[:, None, None]
        return pixels[image, rows[:, :, None], columns[:, None, :]]

    def _resized(self, images: Tensor, low: float, high: float) -> Tensor:
        """A window of every image, bilinearly at full size; one that would stick out is cut."""
        draws = self._uniform(4, len(images))
        area = low + (high - low) * draws[0]
        ratio = torch.exp(math.log(RATIO) * (2 * draws[1] - 1))
        width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
        # Coordinates run from -1 to 1 over the image.
        right, down = (1 - width) * (2 * draws[2] - 1), (1 - height) * (2 * draws[3] - 1)
        none = torch.zeros_like(width)
        window = torch.stack([width, none, right, none, height, down], 1).view(-1, 2, 3)
        grid = F.affine_grid(window, list(images.shape), align_corners=False)
        return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)

    def _erased(self, images: Tensor) -> Tensor:
        draws = self._uniform(5, len(images))
        area = ERASED[0] + (ERASED[1] - ERASED[0]) * draws[1]
        ratio = torch.exp(math.log(RATIO) * (2 * draws[2] - 1))
        covered = _rectangles(images, (area * ratio).sqrt(), (area / ratio).sqrt(), draws[3:])
        chosen = (draws[0] < self.augment.erase)[:, None, None, None]
        return images.masked_fill(covered & chosen, 0)  # the mean of the training images

    def _mixed(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Each image with another one of the batch, and the classes in the same proportion."""
        alphas = [(self.augment.mixup, False), (self.augment.cutmix, True)]
        on = [choice for choice in alphas if choice[0]]
        # What is one number a batch is drawn on the host: reading it from a GPU would wait for it.
        host = np.random.Generator(np.random.Philox(self.random.initial_seed()))
        alpha, cuts = on[host.integers(len(on))]
        keep = float(host.beta(alpha, alpha))
        other = torch.randperm(len(images), generator=self.random, device=images.device)
        if cuts:
            side = torch.full((1,), math.sqrt(1 - keep), device=images.device)
            covered = _rectangles(images[:1], side, side, self._uniform(2, 1))
            images = torch.where(covered, images[other], images)
            share = 1 - covered.float().mean()  # whole pixels, not the drawn share
        else:
            images = torch.lerp(images[other], images, keep)
            share = torch.full((), keep, device=images.device)
        classes = F.one_hot(labels, self.data.classes).float()
        return images, torch.lerp(classes[other], classes, share)


def _rectangles(images: Tensor, width: Tensor, height: Tensor, corner: Tensor) -> Tensor:
    """Masks (b, 1, r, r) of rectangles inside the images; sizes (b,) are shares of the side."""
    size = images.shape[2]
    here = torch.arange(size, device=images.device)

    def along(share: Tensor, place: Tensor) -> Tensor:
        length = (share * size).round().clamp(max=size)
        first = (place * (size - length + 1)).floor()
        return (here >= first[:, None]) & (here < (first + length)[:, None])

    columns, rows = along(width, corner[0]), along(height, corner[1])
    return (rows[:, :, None] & columns[:, None, :])[:, None]


def _mirrored(places: Tensor, size: int) -> Tensor:
    """Places beyond an edge as the places that a mirror there would show."""
    period = 2 * size
    folded = places % period
    return torch.where(folded < size, folded, period - 1 - folded)


def _stream(seed: int, step: int) -> int:
    """A seed for each step of each trial, without pattern between them."""
    word = np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0]
    return int(word >> np.uint64(1))  # torch takes 63 bits everywhere
