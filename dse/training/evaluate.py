"""The error of a network on all test images, each exactly once over all processes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import nn

from dse.training.distributed import Group
from dse.training.images import ImageSets
from dse.training.loading import test_pieces
from dse.training.recipe import Recipe
from dse.training.step import autocast, in_layout

TOP: Final = 5


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Over all test images: mean loss, and the share whose class is not the first guess.

    `top5_error` is the share whose class is not among the five first guesses; None of fewer than
    five classes. A loss that is not finite says that outputs are not.
    """

    images: int
    wrong: int
    loss: float
    error: float
    top5_error: float | None


@torch.inference_mode()
def evaluate(
    networks: list[nn.Module],
    sets: ImageSets,
    recipe: Recipe,
    group: Group,
    *,
    batch: int,
    workers: int,
) -> list[Evaluation]:
    """Networks on the test images in one pass, `batch` at once; every process gets the same."""
    sums = torch.zeros(len(networks), 3, dtype=torch.float64, device=group.device)
    for network in networks:
        network.eval()
    classes = len(sets.classes)
    for images, labels in test_pieces(sets, group, batch=batch, workers=workers):
        images = in_layout(images.to(group.device, non_blocking=True), recipe)
        labels = labels.to(group.device, non_blocking=True)
        for network, its in zip(networks, sums, strict=True):
            with autocast(recipe, group.device):
                logits = network(images)
            logits = logits.float()
            its[0] += F.cross_entropy(logits, labels, reduction="sum")
            guesses = logits.topk(min(TOP, classes), dim=1).indices
            hits = guesses == labels[:, None]
            its[1] += (~hits[:, 0]).sum()
            its[2] += (~hits.any(1)).sum()
    count = len(sets.test)
    told = group.sums(sums.flatten().tolist())
    return [
        Evaluation(
            images=count,
            wrong=int(wrong),
            loss=loss / count if math.isfinite(loss) else math.nan,
            error=wrong / count,
            top5_error=wrong5 / count if classes >= TOP else None,
        )
        for loss, wrong, wrong5 in zip(told[0::3], told[1::3], told[2::3], strict=True)
    ]
