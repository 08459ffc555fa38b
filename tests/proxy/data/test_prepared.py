from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dse.errors import UserError
from dse.proxy.data.prepare import prepare
from dse.proxy.data.prepared import Meta, Request, open_arrays, read_meta, verify
from dse.proxy.datasets import load_dataset
from dse.proxy.load import load_proxy
from dse.proxy.recipe import Proxy
from tests.proxy.data import made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    source = made.npz(tmp_path / "images.npz")
    prepare(Request(source=f"npz:{source}", resolution=16), tmp_path / "prepared")
    return tmp_path / "prepared"


def proxy_file(folder: Path, text: str) -> str:
    path = folder / "mine.yaml"
    path.write_text(text)
    return str(path)


PROXY = "dataset: {source: prepared, path: prepared}\nresolution: 16\nrecipe: {batch_size: 8}\n"


def test_a_proxy_names_a_prepared_data_set_by_its_folder(folder: Path) -> None:
    proxy = load_proxy(proxy_file(folder.parent, PROXY))
    assert (proxy.images, proxy.steps, proxy.dataset.classes) == (60, 4 * 7, 3)
    assert proxy.dataset.name == "prepared"
    data = load_dataset(proxy.dataset, resolution=16)
    assert isinstance(data.train_images, np.memmap)
    assert (data.classes, data.channels, data.resolution) == (3, 3, 16)


def test_a_study_s_proxy_is_read_without_the_folder_and_refuses_another_one(folder: Path) -> None:
    kept = load_proxy(proxy_file(folder.parent, PROXY)).model_dump(mode="json")
    assert kept["dataset"]["path"] == str(folder)
    assert len(kept["dataset"]["checksum"]) == 16
    folder.rename(folder.with_name("elsewhere"))
    proxy = Proxy.model_validate(json.loads(json.dumps(kept)))
    assert proxy.model_dump(mode="json") == kept
    with pytest.raises(UserError, match="is no prepared data set"):
        load_dataset(proxy.dataset, resolution=16)
    source = made.npz(folder.parent / "other.npz", per_class=21)
    prepare(Request(source=f"npz:{source}", resolution=16), folder)
    with pytest.raises(UserError, match="holds another data set than was asked for"):
        load_dataset(proxy.dataset, resolution=16)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dataset: {source: prepared}", ["dataset.path", "required"]),
        ("dataset: {source: prepared, path: nowhere}", ["dataset", "nowhere: is no prepared"]),
        ("dataset: {source: prepared, path: prepared, pat: 3}", ["dataset.pat", "mean 'path'"]),
        (
            "dataset: {source: prepared, path: prepared, train_per_class: 3}",
            ["unknown key 'dataset.train_per_class'", "checksum"],
        ),
        (
            "dataset: {source: fractals, train_pr_class: 3}",
            ["dataset.train_pr_class", "mean 'train_per_class'"],
        ),
        ("dataset: {source: prepared, path: prepared}", ["resolution is 32", "at 16 px"]),
        (
            "dataset: {source: prepared, path: prepared, checksum: abc}\nresolution: 16",
            ["checksum is abc, but of the data set there it is"],
        ),
        (f"{PROXY}train_images: 61", ["train_images is 61", "has only 60"]),
        ("dataset: {source: [1]}", ["dataset.source", "fractals or prepared"]),
        ("dataset: 3", ["dataset", "must hold keys and values"]),
    ],
)
def test_a_mistake_in_a_proxy_is_one_sentence(folder: Path, text: str, words: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        load_proxy(proxy_file(folder.parent, text))
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_fractals_need_not_be_named() -> None:
    assert Proxy.model_validate({"dataset": {"classes": 4}}).dataset.source == "fractals"


def test_every_file_is_verified_by_its_checksum(folder: Path) -> None:
    meta = read_meta(folder)
    read = []
    verify(folder, meta, on_bytes=read.append)
    assert sum(read) == sum(path.stat().st_size for path in folder.glob("*.npy"))
    for name in meta.files:
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        open_arrays(folder, meta)  # looks as it should
        with pytest.raises(UserError, match=f"{name}: is damaged: its SHA-256"):
            verify(folder, meta)
        (folder / name).write_bytes(whole)


def test_arrays_that_are_missing_or_cut_short_are_told(folder: Path) -> None:
    meta = read_meta(folder)
    images = folder / "train_images.npy"
    whole = images.read_bytes()
    images.write_bytes(whole[:-1])
    with pytest.raises(UserError, match=r"train_images\.npy: is damaged"):
        open_arrays(folder, meta)
    np.save(images, np.zeros((60, 3, 16, 17), np.uint8))
    with pytest.raises(UserError, match="wrong shape"):
        open_arrays(folder, meta)
    images.unlink()
    with pytest.raises(UserError, match="is missing"):
        open_arrays(folder, meta)
    with pytest.raises(UserError, match="cannot be read: No such file"):
        verify(folder, meta)


def test_a_damaged_meta_json_is_told(folder: Path) -> None:
    path = folder / "meta.json"
    data = json.loads(path.read_text())
    for text, words in (
        (path.read_text()[:200], "is not valid JSON"),
        ("[]", "must hold keys and values"),
        (json.dumps(data | {"format": 9}), "is of format 9, this version of dse reads 1"),
        (json.dumps(data | {"classes": ["a", "b", "c"]}), "its checksum is not that of its"),
        (json.dumps({k: v for k, v in data.items() if k != "mean"}), "mean: field required"),
    ):
        path.write_text(text)
        with pytest.raises(UserError, match=words) as caught:
            read_meta(folder)
        assert str(caught.value).startswith(str(path))
    assert Meta.model_validate(data)
