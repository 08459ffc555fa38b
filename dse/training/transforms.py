"""What timm makes of a picture: a normalised tensor, augmented in training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PIL import Image
from torch import Tensor

from dse.errors import UserError
from dse.network.timm_model import timm_module
from dse.training.recipe import Images

Transform = Callable[[Image.Image], Tensor]
"""A picture to float32 (channels, resolution, resolution)."""


def train_transform(images: Images, mean: Sequence[float], std: Sequence[float]) -> Transform:
    """Crop, flips, augmentation, normalisation, erasing: timm's, which draw from global generators.

    Raises:
        UserError: timm knows no such `auto_augment`.
    """
    try:
        made = timm_module("timm.data").create_transform(
            images.resolution,
            is_training=True,
            scale=images.scale,
            ratio=images.ratio,
            interpolation=images.interpolation,
            hflip=images.hflip,
            vflip=images.vflip,
            color_jitter=images.color_jitter,
            auto_augment=images.auto_augment,
            re_prob=images.random_erasing,
            re_mode="pixel",
            mean=tuple(mean),
            std=tuple(std),
        )
    except (AssertionError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"images.auto_augment {images.auto_augment!r}: timm has no such policy "
            f"({' '.join(str(error).split()).rstrip('.') or type(error).__name__}); "
            "write one such as rand-m9-mstd0.5-inc1, or null for none."
        ) from None
    if images.pad is not None:
        made.transforms[:1] = _padded_crop(images, images.pad)
    return _typed(made)


def evaluation_transform(images: Images, mean: Sequence[float], std: Sequence[float]) -> Transform:
    """Shorter side resized to the resolution / `crop_share`, centre crop, normalisation."""
    made = timm_module("timm.data").create_transform(
        images.test_resolution or images.resolution,
        is_training=False,
        interpolation=_one(images.interpolation),
        crop_pct=images.crop_share,
        mean=tuple(mean),
        std=tuple(std),
    )
    return _typed(made)


def _padded_crop(images: Images, pad: int) -> list[Any]:
    """A random crop of the padded picture, in place of timm's RandomResizedCrop."""
    vision = timm_module("torchvision.transforms")
    mode = vision.InterpolationMode(_one(images.interpolation))
    return [
        vision.Resize(images.resolution, interpolation=mode),
        vision.RandomCrop(images.resolution, padding=pad),
    ]


def _one(interpolation: str) -> str:
    return "bicubic" if interpolation == "random" else interpolation


def _typed(transform: Any) -> Transform:
    made: Transform = transform
    return made
