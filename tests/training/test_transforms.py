from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from dse.errors import UserError
from dse.training.drawing import drawn_from
from dse.training.recipe import Images
from dse.training.transforms import evaluation_transform, train_transform

HALF = (0.5,) * 3
GREY = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8))
OFF = {"auto_augment": None, "random_erasing": 0, "hflip": 0, "resolution": 32}


def images(**changes: object) -> Images:
    return Images.model_validate(OFF | changes)


def drawn(asked: Images, picture: Image.Image, number: int, channels: int = 1) -> torch.Tensor:
    with drawn_from(number):
        return train_transform(asked, HALF[:channels], HALF[:channels])(picture)


def test_the_imagenet_recipe_is_the_published_chain_of_timms_parts() -> None:
    made = train_transform(Images(), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert [type(part).__name__ for part in made.transforms] == [  # type: ignore[attr-defined]
        "RandomResizedCropAndInterpolation",
        "RandomHorizontalFlip",
        "RandAugment",
        "MaybeToTensor",
        "Normalize",
        "RandomErasing",
    ]
    crop, flip, augment, _, _, erase = made.transforms  # type: ignore[attr-defined]
    assert (crop.size, crop.scale, crop.ratio) == ((224, 224), (0.08, 1.0), (3 / 4, 4 / 3))
    assert crop.interpolation.value == "bicubic"
    assert flip.p == 0.5
    assert {(op.magnitude, op.magnitude_std, op.prob) for op in augment.ops} == {(9, 0.5, 0.5)}
    assert (erase.probability, erase.per_pixel, erase.max_count) == (0.25, True, 1)


def test_a_padded_crop_moves_the_picture_by_at_most_the_padding() -> None:
    padded = torch.nn.functional.pad(drawn(images(pad=0), GREY, 0), [3] * 4, value=-1.0)
    offsets = set()
    for number in range(30):
        found = drawn(images(pad=3), GREY, number)
        places = [
            (top, left)
            for top in range(7)
            for left in range(7)
            if torch.equal(padded[:, top : top + 32, left : left + 32], found)
        ]
        assert len(places) == 1
        offsets.update(places)
    assert len(offsets) > 10


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_every_operation_of_randaugment_takes_grey_and_coloured_pictures(mode: str) -> None:
    picture, channels = GREY.convert(mode), len(mode)
    asked = images(auto_augment="rand-m9-n6-mstd0.5-inc1", pad=4)
    for number in range(60):
        assert drawn(asked, picture, number, channels).shape == (channels, 32, 32)


def test_a_larger_picture_is_made_as_small_as_is_asked_for() -> None:
    picture = Image.new("RGB", (50, 80), (255, 0, 0))
    for asked in (images(pad=0), images(), images(interpolation="random")):
        assert drawn(asked, picture, 0, 3).mean((1, 2)).tolist() == pytest.approx([1, -1, -1])
        shown = evaluation_transform(asked, HALF, HALF)(picture)
        assert shown.shape == (3, 32, 32)


def test_the_test_resolution_may_differ_from_that_of_training() -> None:
    asked = images(test_resolution=48, crop_share=1)
    assert evaluation_transform(asked, (0.5,), (0.5,))(GREY).shape == (1, 48, 48)


@pytest.mark.parametrize("policy", ["rand-m9-nonsense1", "nonsense"])
def test_an_unknown_policy_is_told_in_a_sentence(policy: str) -> None:
    with pytest.raises(UserError, match=r"images\.auto_augment '.*': timm has no such policy"):
        train_transform(images(auto_augment=policy), HALF, HALF)
