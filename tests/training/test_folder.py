from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dse.errors import UserError
from dse.training.folder import open_folder
from tests.proxy.data import made


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return made.image_folder(tmp_path / "data", {"train": 3, "val": 2})


@pytest.mark.parametrize("name", ["val", "validation", "test"])
def test_the_test_split_has_one_of_three_names(root: Path, name: str) -> None:
    (root / "val").rename(root / name)
    found = open_folder(root)
    assert found.classes == made.CLASSES
    assert (len(found.train.labels), len(found.test.labels)) == (9, 6)
    assert found.train.open(8).mode == "RGB"


def test_hidden_files_are_left_out_and_grey_files_become_rgb(root: Path) -> None:
    (root / "train" / "across" / ".hidden").write_text("")
    (root / "train" / ".cache").mkdir()
    found = open_folder(root)
    assert found.classes == made.CLASSES
    assert len(found.train.labels) == 9


def spoil_train(root: Path) -> None:
    (root / "train").rename(root / "training")


def spoil_val(root: Path) -> None:
    shutil.rmtree(root / "val")


def empty_train(root: Path) -> None:
    for folder in (root / "train").iterdir():
        shutil.rmtree(folder)


def empty_class(root: Path) -> None:
    (root / "train" / "zebra").mkdir()


def class_only_in_val(root: Path) -> None:
    shutil.copytree(root / "val" / "down", root / "val" / "zebra")


def class_only_in_train(root: Path) -> None:
    shutil.copytree(root / "train" / "down", root / "train" / "zebra")


def empty_class_in_val(root: Path) -> None:
    for file in (root / "val" / "down").iterdir():
        file.unlink()


def broken_link(root: Path) -> None:
    (root / "train" / "down" / "linked.png").symlink_to(root / "gone.png")


def empty_file(root: Path) -> None:
    (root / "train" / "down" / "zero.png").write_bytes(b"")


def no_image(root: Path) -> None:
    (root / "val" / "plain" / "notes.png").write_text("no image")


def truncated(root: Path) -> None:
    path = root / "train" / "across" / "001.jpeg"
    path.write_bytes(path.read_bytes()[:300])


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (spoil_train, "data: has no folder train; images lie in"),
        (spoil_val, "data: has no folder val; images lie in"),
        (empty_train, "train: holds 0 folders with images; a class is a folder, two at least"),
        (empty_class, "train/zebra: holds no images; fill or remove this class"),
        (class_only_in_val, "val: has the class 'zebra', which the training images lack"),
        (class_only_in_train, "val: lacks the class 'zebra', which the training images have"),
        (empty_class_in_val, "val/down: holds no images"),
        (broken_link, "linked.png: is a link that leads nowhere; mend or remove it"),
        (empty_file, "zero.png: is empty"),
        (no_image, "notes.png: cannot be read as an image.*; mend or remove it"),
        (truncated, "001.jpeg: cannot be read as an image"),
    ],
)
def test_a_bad_folder_is_refused_in_one_sentence(
    spoil: Callable[[Path], None], sentence: str, root: Path
) -> None:
    spoil(root)
    with pytest.raises(UserError, match=sentence) as error:
        open_folder(root)
    assert "\n" not in str(error.value)


def test_a_file_without_an_images_suffix_is_looked_at_among_thousands(tmp_path: Path) -> None:
    root = made.image_folder(tmp_path, {"train": 1, "val": 1})
    source = root / "train" / "across" / "000.png"
    for number in range(1, 2000):
        os.link(source, source.with_name(f"{number:05}.png"))
    (root / "train" / "down" / "Thumbs.db").write_text("no image")
    with pytest.raises(UserError, match=r"Thumbs\.db: cannot be read as an image"):
        open_folder(root)
