from __future__ import annotations

import random

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from dse.network.timm_model import timm_module
from dse.training.drawing import MIXING, drawn_from
from dse.training.mixing import GROUP, mix
from dse.training.order import share
from dse.training.recipe import Images, Recipe

CLASSES = 6
COUNT = 2 * GROUP + 40


def batch() -> tuple[Tensor, Tensor]:
    """Images that say their label: one channel a class, 1 everywhere in its own."""
    labels = torch.from_numpy(np.random.default_rng(0).integers(0, CLASSES, COUNT))
    images = F.one_hot(labels, CLASSES).float()[..., None, None].expand(-1, -1, 8, 8)
    return images.contiguous(), labels


def recipe(smoothing: float = 0.0, **images: float) -> Recipe:
    return Recipe(label_smoothing=smoothing, images=Images.model_validate(images), seed=5)


def mixed(asked: Recipe, epoch: int = 0, step: int = 0) -> tuple[Tensor, Tensor]:
    images, labels = batch()
    return mix(images, labels, asked, classes=CLASSES, epoch=epoch, step=step, first=0)


@pytest.mark.parametrize("images", [{"cutmix": 0}, {"mixup": 0}, {}])
def test_labels_say_what_share_of_an_image_is_of_which_class(images: dict[str, float]) -> None:
    pixels, labels = mixed(recipe(**images))
    torch.testing.assert_close(pixels.mean((2, 3)), labels)
    assert (labels.max(1).values < 1).any()


@pytest.mark.parametrize(("world", "micro_batch"), [(1, 2), (1, GROUP), (2, 100), (3, 64), (5, 6)])
def test_neither_processes_nor_micro_batches_change_what_is_mixed(
    world: int, micro_batch: int
) -> None:
    images, labels = batch()
    asked = recipe(0.1)
    parts = []
    for rank in range(world):
        for micro in share(np.arange(COUNT), rank=rank, world=world, micro_batch=micro_batch):
            part = images[micro.images], labels[micro.images]
            parts.append(mix(*part, asked, classes=CLASSES, epoch=0, step=0, first=micro.first))
    found = [torch.cat(column) for column in zip(*parts, strict=True)]
    assert all(map(torch.equal, found, mixed(asked)))


def test_128_images_are_mixed_as_timm_mixes_a_batch() -> None:
    images, labels = batch()
    pairs = torch.arange(GROUP).view(-1, 2)
    reordered = torch.cat([pairs[:, 0], pairs[:, 1].flip(0)])
    mixer = timm_module("timm.data").Mixup(0.8, 1.0, num_classes=CLASSES, label_smoothing=0.1)
    with drawn_from(5, MIXING, 0, 0, 0):
        expected = mixer(images[reordered], labels[reordered])
    found = mixed(recipe(0.1))
    assert torch.equal(found[0][reordered], expected[0])
    assert torch.equal(found[1][reordered], expected[1])


def test_every_step_epoch_and_group_draws_anew_from_the_seed_alone() -> None:
    asked = recipe(cutmix=0)
    first = mixed(asked)[1]
    random.seed(9)
    np.random.seed(9)
    assert torch.equal(mixed(asked)[1], first)
    weights = {
        tuple(sorted(labels.max(1).values.unique().tolist()))
        for labels in (mixed(asked, e, s)[1] for e, s in ((0, 0), (0, 1), (1, 0)))
    }
    assert len(weights) == 3
    groups = {first[at : at + GROUP].max(1).values.min().item() for at in (0, GROUP, 2 * GROUP)}
    assert len(groups) == 3


def test_mixing_leaves_the_generators_and_the_images_as_they_were() -> None:
    images, labels = batch()
    kept = images.clone()
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    mix(images, labels, recipe(), classes=CLASSES, epoch=0, step=0, first=0)
    assert random.getstate() == before[0]
    assert np.random.get_state()[1].tolist() == before[1]
    assert torch.equal(torch.get_rng_state(), before[2])
    assert torch.equal(images, kept)


def test_without_mixing_labels_are_smoothed_as_torch_smooths_them() -> None:
    images, labels = batch()
    same, soft = mixed(recipe(0.1, mixup=0, cutmix=0))
    assert torch.equal(same, images)
    logits = torch.randn(COUNT, CLASSES, generator=torch.Generator().manual_seed(0))
    expected = F.cross_entropy(logits, labels, label_smoothing=0.1)
    torch.testing.assert_close(F.cross_entropy(logits, soft), expected)
