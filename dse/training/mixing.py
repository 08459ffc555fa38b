"""Mixup (Zhang et al. 2018) and CutMix (Yun et al. 2019) by timm, as a function of seed and step.

Images are mixed in the pairs of `dse.training.order`, and 128 of them share one draw: as where
ConvNeXt was trained, on so many images a GPU. Neither the number of processes nor the size of
micro-batches changes what is mixed.
"""

from __future__ import annotations

from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor

from dse.network.timm_model import timm_module
from dse.training.drawing import MIXING, drawn_from
from dse.training.recipe import Recipe

GROUP: Final = 128  # images that share one draw


def mix(
    images: Tensor,
    labels: Tensor,
    recipe: Recipe,
    *,
    classes: int,
    epoch: int,
    step: int,
    first: int,
) -> tuple[Tensor, Tensor]:
    """Mixed images and soft labels of a micro-batch, smoothed by `recipe.label_smoothing`.

    Args:
        images: (n, channels, height, width), n even; not changed.
        labels: (n,) of int64, on the same device.
        recipe: whose `seed` and mixing are taken.
        classes: how many there are.
        epoch: from 0.
        step: of the epoch, from 0.
        first: place of the micro-batch's first image in the step's batch (`MicroBatch.first`).

    Returns:
        Images of the same shape and labels (n, classes) of float32. With neither mixup nor cutmix
        these are the images themselves and smoothed labels.
    """
    if not (recipe.images.mixup or recipe.images.cutmix):
        return images, smoothed(labels, classes, recipe.label_smoothing)
    mixer = _mixer(recipe, classes)
    mixed, soft = torch.empty_like(images), images.new_empty(len(labels), classes)
    soft = soft.float()
    at = 0
    while at < len(images):
        group, inside = divmod(first + at, GROUP)
        end = min(len(images), at + GROUP - inside)
        # timm mixes a batch with its reverse: so each pair comes to lie opposite
        one, other = slice(at, end, 2), slice(at + 1, end, 2)
        batch = torch.cat([images[one], images[other].flip(0)])
        target = torch.cat([labels[one], labels[other].flip(0)])
        with drawn_from(recipe.seed, MIXING, epoch, step, group):
            batch, target = mixer(batch, target)
        half = len(batch) // 2
        mixed[one], mixed[other] = batch[:half], batch[half:].flip(0)
        soft[one], soft[other] = target[:half], target[half:].flip(0)
        at = end
    return mixed, soft


def smoothed(labels: Tensor, classes: int, smoothing: float) -> Tensor:
    """Labels (n,) as probabilities (n, classes), of which all classes share `smoothing`."""
    return F.one_hot(labels, classes).float() * (1 - smoothing) + smoothing / classes


def _mixer(recipe: Recipe, classes: int) -> Any:
    return timm_module("timm.data").Mixup(
        mixup_alpha=recipe.images.mixup,
        cutmix_alpha=recipe.images.cutmix,
        switch_prob=recipe.images.switch,
        label_smoothing=recipe.label_smoothing,
        num_classes=classes,
    )
