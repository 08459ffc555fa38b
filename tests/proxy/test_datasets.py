from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from dse.proxy.datasets import (
    Dataset,
    FractalSpec,
    cache_folder,
    cache_path,
    load_dataset,
)
from dse.proxy.device_data import DeviceData

SPEC = FractalSpec(classes=3, train_per_class=6, test_per_class=4)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def assert_equal(a: Dataset, b: Dataset) -> None:
    assert a.classes == b.classes
    for name in ("train_images", "train_labels", "test_images", "test_labels"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
        assert getattr(a, name).dtype == getattr(b, name).dtype


def test_shapes_and_types_are_as_described() -> None:
    data = load_dataset(SPEC, resolution=16)
    assert data.train_images.shape == (18, 1, 16, 16)
    assert data.test_images.shape == (12, 1, 16, 16)
    assert data.train_images.dtype == np.uint8
    assert data.train_labels.dtype == np.int64
    assert (data.classes, data.channels, data.resolution) == (3, 1, 16)


@pytest.mark.parametrize("images", [3, 6, 18])
def test_any_prefix_of_whole_rounds_holds_all_classes_equally(images: int) -> None:
    labels = load_dataset(SPEC, resolution=16).train_labels[:images]
    assert np.bincount(labels).tolist() == [images // 3] * 3


def test_the_cache_gives_back_what_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made = load_dataset(SPEC, resolution=16)
    monkeypatch.setattr("dse.proxy.datasets._make", None)  # a second making would fail
    assert_equal(load_dataset(SPEC, resolution=16), made)


def test_everything_that_decides_the_images_decides_the_file() -> None:
    other = [
        cache_path(SPEC.model_copy(update={name: 5}), resolution=16)
        for name in ("classes", "train_per_class", "test_per_class", "seed")
    ]
    assert len({*other, cache_path(SPEC, resolution=16), cache_path(SPEC, resolution=32)}) == 6


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 not really", "half", "flipped"])
def test_a_damaged_cache_file_is_made_again(damage: bytes | str) -> None:
    made = load_dataset(SPEC, resolution=16)
    path = cache_path(SPEC, resolution=16)
    whole = path.read_bytes()
    if damage == "half":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "flipped":
        middle = len(whole) // 2
        path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :])
    else:
        assert isinstance(damage, bytes)
        path.write_bytes(damage)
    assert_equal(load_dataset(SPEC, resolution=16), made)
    assert path.read_bytes() == whole


def test_a_cache_file_with_pickled_objects_is_not_unpickled(cache: Path) -> None:
    path = cache_path(SPEC, resolution=16)
    cache.mkdir()
    with path.open("wb") as file:
        np.savez(file, classes=np.array([object()], dtype=object))
    assert load_dataset(SPEC, resolution=16).classes == 3


def test_without_a_writable_cache_the_data_is_made_each_time(cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    assert_equal(load_dataset(SPEC, resolution=16), load_dataset(SPEC, resolution=16))
    assert cache.is_file()


def test_processes_that_make_the_same_data_at_once_do_not_disturb_each_other(cache: Path) -> None:
    code = (
        "from dse.proxy.datasets import FractalSpec, load_dataset\n"
        "d = load_dataset(FractalSpec(classes=3, train_per_class=6, test_per_class=4),"
        " resolution=16)\n"
        "print(int(d.train_images.sum()))"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    sums = {process.communicate()[0].strip() for process in started}
    assert sums == {str(int(load_dataset(SPEC, resolution=16).train_images.sum()))}
    assert [path.suffix for path in cache.iterdir()] == [".npz"]


def test_the_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DSE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache_folder() == Path("/xdg/dse")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/somebody")
    assert cache_folder() == Path("/somebody/.cache/dse")


def test_batches_are_normalised_by_the_training_images_and_channels_last() -> None:
    data = DeviceData(load_dataset(SPEC, resolution=16), torch.device("cpu"))
    images, labels = data.train_batch(torch.arange(18))
    assert images.shape == (18, 1, 16, 16)
    assert images.dtype == torch.float32
    assert abs(float(images.mean())) < 1e-5
    assert float(images.std(correction=0)) == pytest.approx(1, abs=1e-5)
    assert labels.tolist() == data.train_labels.tolist()
    assert data.train_images.dtype == torch.uint8


def test_colours_are_normalised_one_by_one_and_batches_are_channels_last() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, [[[[50]], [[100]], [[250]]]], (12, 3, 8, 8)).astype(np.uint8)
    labels = np.arange(12) % 2
    dataset = Dataset(
        train_images=pixels,
        train_labels=labels,
        test_images=pixels,
        test_labels=labels,
        classes=2,
    )
    images, _ = DeviceData(dataset, torch.device("cpu")).train_batch(torch.arange(12))
    assert images.is_contiguous(memory_format=torch.channels_last)
    expected = pixels.astype(np.float64)
    expected -= expected.mean(axis=(0, 2, 3), keepdims=True)
    expected /= expected.std(axis=(0, 2, 3), keepdims=True)
    np.testing.assert_allclose(images.numpy(), expected, atol=1e-5)


def test_a_batch_holds_the_images_asked_for() -> None:
    dataset = load_dataset(SPEC, resolution=16)
    data = DeviceData(dataset, torch.device("cpu"))
    picked, labels = data.train_batch(torch.tensor([7, 2]))
    everything, _ = data.train_batch(torch.arange(18))
    torch.testing.assert_close(picked, everything[[7, 2]])
    assert labels.tolist() == dataset.train_labels[[7, 2]].tolist()
    last, _ = data.test_batch(10, 99)
    assert len(last) == 2
