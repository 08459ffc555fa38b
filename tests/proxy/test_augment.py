from __future__ import annotations

from typing import Any

import pytest
import torch

from dse.proxy.augment import Augment, Augmenter
from dse.proxy.device_data import DeviceData

INDICES = torch.arange(48)
EVERYTHING = {"flip": True, "pad_crop": 3, "erase": 0.5, "mixup": 0.4, "cutmix": 1.0}


def batch(
    data: DeviceData, step: int = 0, seed: int = 0, **augment: Any
) -> tuple[torch.Tensor, torch.Tensor]:
    augmenter = Augmenter(Augment.model_validate(augment), data, seed=seed)
    return augmenter.batch(*data.train_stored(INDICES), step)


def test_without_augmentation_batches_are_the_data_s(data: DeviceData) -> None:
    images, labels = batch(data)
    plain, theirs = data.train_batch(INDICES)
    assert torch.equal(images, plain)
    assert torch.equal(labels, theirs)


@pytest.mark.parametrize("augment", [EVERYTHING, {"resized_crop": [0.2, 0.9]}])
def test_a_batch_depends_on_seed_and_step_alone(data: DeviceData, augment: dict[str, Any]) -> None:
    augmenter = Augmenter(Augment.model_validate(augment), data, seed=0)
    run = [augmenter.batch(*data.train_stored(INDICES), step) for step in range(4)]
    torch.rand(3)
    images, labels = batch(data, step=3, **augment)
    assert torch.equal(images, run[3][0])
    assert torch.equal(labels, run[3][1])
    assert not torch.equal(images, run[2][0])
    assert not torch.equal(images, batch(data, step=3, seed=1, **augment)[0])


@pytest.mark.parametrize(
    "augment",
    [
        {"flip": True},
        {"pad_crop": 2},
        {"resized_crop": [0.5, 1]},
        {"erase": 1},
        {"mixup": 1},
        {"cutmix": 1},
    ],
)
def test_batches_are_float32_in_channels_last_of_the_same_shape(
    data: DeviceData, augment: dict[str, Any]
) -> None:
    images, _ = batch(data, **augment)
    plain, _ = data.train_batch(INDICES)
    assert images.shape == plain.shape
    assert images.dtype == torch.float32
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert not torch.equal(images, plain)


def test_about_half_of_the_images_are_mirrored_and_the_others_left(data: DeviceData) -> None:
    images, labels = batch(data, flip=True)
    plain, theirs = data.train_batch(INDICES)
    same = (images == plain).flatten(1).all(1)
    mirrored = (images == plain.flip(3)).flatten(1).all(1)
    assert (same ^ mirrored).all()
    assert 10 < int(mirrored.sum()) < 38
    assert torch.equal(labels, theirs)


def test_a_crop_is_a_window_of_the_image_with_a_mirrored_border(data: DeviceData) -> None:
    images, _ = batch(data, pad_crop=2)
    plain, _ = data.train_batch(INDICES)
    padded = torch.nn.functional.pad(plain, (2, 2, 2, 2), mode="replicate")
    padded[:, :, :1], padded[:, :, -1:] = padded[:, :, 3:4], padded[:, :, -4:-3]
    padded[..., :1], padded[..., -1:] = padded[..., 3:4], padded[..., -4:-3]
    places = set()
    for image, border in zip(images, padded, strict=True):
        found = [
            (row, column)
            for row in range(5)
            for column in range(5)
            if torch.equal(image, border[:, row : row + 16, column : column + 16])
        ]
        assert len(found) == 1
        places.add(found[0])
    assert len(places) > 12


def test_a_resized_crop_of_the_whole_image_is_nearly_the_image(data: DeviceData) -> None:
    """Only its ratio of sides may change a little: up to 13 % of one side is cut."""
    square = Augmenter(Augment(resized_crop=(1.0, 1.0)), data, seed=0)
    images, _ = square.batch(*data.train_stored(INDICES), 0)
    plain, _ = data.train_batch(INDICES)
    rows = torch.corrcoef(torch.stack([images.flatten(), plain.flatten()]))
    assert rows[0, 1] > 0.3
    assert images.abs().max() <= plain.abs().max()


def test_erasing_puts_the_mean_on_one_rectangle(data: DeviceData) -> None:
    images, _ = batch(data, erase=1)
    plain, _ = data.train_batch(INDICES)
    for erased in (images != plain)[:, 0]:
        rows, columns = erased.any(1).nonzero(), erased.any(0).nonzero()
        assert erased.any()
        filled = erased[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert filled.all()
        assert 0.01 <= erased.float().mean() <= 0.4
    assert (images[images != plain] == 0).all()
    assert 5 < int((batch(data, erase=0.5)[0] != plain).flatten(1).any(1).sum()) < 43


def test_mixup_mixes_images_and_classes_in_one_proportion(data: DeviceData) -> None:
    images, labels = batch(data, mixup=1.0)
    plain, theirs = data.train_batch(INDICES)
    assert labels.shape == (48, 3)
    torch.testing.assert_close(labels.sum(1), torch.ones(48))
    own = labels.gather(1, theirs[:, None])[:, 0]
    keep = own[own < 1][0]
    other = (images - keep * plain) / (1 - keep)
    distance = torch.cdist(other.flatten(1), plain.flatten(1))
    assert distance.min(1).values.max() < 0.1  # every image is mixed with one of the batch


def test_cutmix_pastes_a_rectangle_and_counts_its_pixels(data: DeviceData) -> None:
    images, labels = batch(data, step=1, cutmix=1.0)
    plain, theirs = data.train_batch(INDICES)
    kept = (images == plain)[:, 0].float().mean((1, 2))
    own = labels.gather(1, theirs[:, None])[:, 0]
    mixed = own < 1
    assert mixed.any()
    torch.testing.assert_close(own[mixed], kept[mixed], atol=0.03, rtol=0)  # equal by chance


def test_with_mixup_and_cutmix_each_batch_gets_one(data: DeviceData) -> None:
    plain, _ = data.train_batch(INDICES)
    pasted = [
        bool((batch(data, step=step, mixup=1.0, cutmix=1.0)[0] == plain).float().mean() > 0.05)
        for step in range(20)
    ]
    assert 3 < sum(pasted) < 17
