from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from dse.errors import DataError, UserError
from dse.proxy.data.prepare import prepare
from dse.proxy.data.prepared import Request
from dse.proxy.datasets import load_dataset
from dse.proxy.device_data import DeviceData
from dse.proxy.load import load_proxy
from dse.training.images import ImageSet, ImageSets, open_images
from dse.training.recipe import Images, Recipe
from tests.proxy.data import made

PLAIN = {"auto_augment": None, "random_erasing": 0, "hflip": 0, "crop_share": 1}


def recipe(**images: object) -> Recipe:
    return Recipe(batch_size=4, images=Images.model_validate({"resolution": 32} | images))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.image_folder(tmp_path_factory.mktemp("images"), {"train": 6, "val": 3})


@pytest.fixture(scope="module")
def prepared(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("prepared") / "mine"
    prepare(Request(source=f"folder:{folder}", resolution=32), target)
    return target


@pytest.fixture(params=["folder", "prepared", "embedded"])
def sets(request: pytest.FixtureRequest) -> ImageSets:
    """Every kind of data, augmented as on ImageNet."""
    data = request.param
    place = data if data == "embedded" else request.getfixturevalue(data)
    return open_images(str(place), recipe())


def items(images: ImageSet, keys: list[tuple[int, int]], workers: int) -> torch.Tensor:
    loader = DataLoader(images, batch_size=1, sampler=keys, num_workers=workers)
    return torch.cat([image for image, _ in loader])


def test_an_item_is_a_function_of_seed_epoch_and_index_alone(sets: ImageSets) -> None:
    keys = [(epoch, index) for epoch in (0, 1) for index in (5, 0, 3)]
    first = items(sets.train, keys, workers=0)
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    assert torch.equal(items(sets.train, keys[::-1], workers=0).flip(0), first)
    assert torch.equal(items(sets.train, keys, workers=2), first)
    assert not torch.equal(first[:3], first[3:])  # the second epoch augments anew


def test_test_images_are_the_same_in_every_epoch(sets: ImageSets) -> None:
    assert torch.equal(sets.test[0, 1][0], sets.test[7, 1][0])


def test_making_an_item_leaves_the_global_generators_as_they_were(sets: ImageSets) -> None:
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    sets.train[0, 0]
    assert random.getstate() == before[0]
    assert np.random.get_state()[1].tolist() == before[1]
    assert torch.equal(torch.get_rng_state(), before[2])


def test_items_are_tensors_of_the_resolution_with_their_labels(sets: ImageSets) -> None:
    for images in (sets.train, sets.test):
        image, label = images[0, len(images) - 1]
        assert image.shape == (sets.in_channels, 32, 32)
        assert image.dtype == torch.float32
        assert label == images.labels[-1] < len(sets.classes)


def test_another_seed_augments_otherwise(folder: Path) -> None:
    images = [
        open_images(str(folder), recipe().model_copy(update={"seed": seed})).train[0, 0][0]
        for seed in (0, 1)
    ]
    assert not torch.equal(*images)


def test_the_embedded_images_are_those_of_the_proxy() -> None:
    proxy = load_proxy("embedded")
    data = DeviceData(load_dataset(proxy.dataset, resolution=32), torch.device("cpu"))
    sets = open_images("embedded", recipe(pad=0, **PLAIN))
    assert (sets.in_channels, len(sets.classes)) == (1, 20)
    assert (len(sets.train), len(sets.test)) == (proxy.images, 2000)
    for images, batch in (
        (sets.train, data.train_batch(torch.arange(50))),
        (sets.test, data.test_batch(0, 50)),
    ):
        ours = torch.stack([images[0, k][0] for k in range(50)])
        # statistics are those of the images trained on; the proxy takes those of all there are
        torch.testing.assert_close(ours, batch[0].contiguous(), rtol=0.02, atol=0.02)
        assert images.labels[:50].tolist() == batch[1].tolist()


def test_a_prepared_set_is_normalised_by_its_own_statistics(prepared: Path) -> None:
    sets = open_images(str(prepared), recipe(pad=0, **PLAIN))
    images = torch.stack([sets.train[0, k][0] for k in range(len(sets.train))])
    torch.testing.assert_close(images.mean((0, 2, 3)), torch.zeros(3), rtol=0, atol=1e-3)
    torch.testing.assert_close(images.std((0, 2, 3)), torch.ones(3), rtol=0, atol=1e-3)
    assert (sets.name, sets.classes) == ("mine", made.CLASSES)


def test_a_folder_is_normalised_as_imagenet_and_cropped_at_the_centre(tmp_path: Path) -> None:
    root = made.image_folder(tmp_path, {"train": 2, "val": 1})
    rng = np.random.default_rng(0)
    whole = Image.fromarray(rng.integers(0, 256, (256, 300, 3), dtype=np.uint8))
    whole.save(root / "val" / "across" / "000.png")
    sets = open_images(str(root), recipe(resolution=224, crop_share=0.875))
    pixels = torch.from_numpy(np.array(whole.crop((38, 16, 262, 240)))).permute(2, 0, 1) / 255
    mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])
    expected = (pixels - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    torch.testing.assert_close(sets.test[0, 0][0], expected)


def test_grey_images_become_rgb_where_three_channels_are_asked_for() -> None:
    one = open_images("embedded", recipe(pad=0, **PLAIN))
    three = open_images("embedded", recipe(pad=0, **PLAIN), in_channels=3)
    assert three.in_channels == 3
    grey, colours = one.test[0, 0][0], three.test[0, 0][0]
    assert all(torch.equal(colour, grey[0]) for colour in colours)


def test_a_file_that_is_damaged_later_is_named_at_its_turn(tmp_path: Path) -> None:
    root = made.image_folder(tmp_path, {"train": 3, "val": 1})
    sets = open_images(str(root), recipe())
    (root / "train" / "across" / "001.jpeg").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"train/across/001\.jpeg: cannot be read as an image"):
        sets.train[0, 1]
    (root / "train" / "across" / "001.jpeg").unlink()
    with pytest.raises(DataError, match=r"001\.jpeg: is not there"):
        sets.train[0, 1]


@pytest.mark.parametrize(
    ("data", "batch_size", "sentence"),
    [
        ("nowhere", 4, "there is no such folder; give one that holds train/CLASS/IMAGE"),
        ("embedded", 4096, "has 3000 training images, fewer than one batch of 4096"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(data: str, batch_size: int, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        open_images(data, recipe().model_copy(update={"batch_size": batch_size}))
