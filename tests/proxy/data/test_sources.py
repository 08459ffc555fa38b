from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from dse.errors import UserError
from dse.proxy.data.decode import Raw, decode
from dse.proxy.data.prepare import prepare
from dse.proxy.data.prepared import Request, open_arrays
from dse.proxy.data.source import Source, Split
from dse.proxy.data.sources import open_source
from dse.proxy.datasets import FractalSpec, load_dataset
from tests.proxy.data import made


def opened(source: object, **others: object) -> Source:
    return open_source(Request.model_validate({"source": str(source), "resolution": 32} | others))


def everything(split: Split) -> list[Raw]:
    indices = np.arange(len(split.labels))
    blocks = split.blocks(indices)
    np.testing.assert_array_equal(np.concatenate(blocks), indices)
    return [raw for block in blocks for raw in split.read(block)]


def check_pixels(split: Split, expected: list[np.ndarray]) -> None:
    found = [decode(raw, resolution=32, channels=3) for raw in everything(split)]
    np.testing.assert_array_equal(np.stack(found).transpose(0, 2, 3, 1), np.stack(expected))


def refused(sentence: str, source: object, **others: object) -> None:
    with pytest.raises(UserError, match=sentence) as caught:
        opened(source, **others)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("beside", ["val", "validation", "test"])
def test_a_folder_with_splits_is_read_as_it_lies(tmp_path: Path, beside: str) -> None:
    root = made.image_folder(tmp_path, {"train": 4, beside: 2})
    source = opened(f"folder:{root}")
    assert source.classes == made.CLASSES
    assert np.bincount(source.train.labels).tolist() == [4] * 3
    assert np.bincount(source.test.labels).tolist() == [2] * 3
    assert source.train.name(0) == "across/000.png"
    assert everything(source.test)[0] == root / beside / "across" / "000.png"


def test_a_folder_of_classes_gives_up_a_share_of_each(tmp_path: Path) -> None:
    root = made.image_folder(tmp_path, {"": 10})
    source = opened(f"folder:{root}", test_share=0.3)
    assert np.bincount(source.train.labels).tolist() == [7] * 3
    assert np.bincount(source.test.labels).tolist() == [3] * 3
    assert not set(map(str, everything(source.train))) & set(map(str, everything(source.test)))
    other = opened(f"folder:{root}", test_share=0.3, seed=1)
    assert set(map(str, everything(source.test))) != set(map(str, everything(other.test)))


def test_a_class_called_train_is_a_class(tmp_path: Path) -> None:
    root = made.image_folder(tmp_path, {"": 3})
    (root / "across").rename(root / "train")
    assert opened(f"folder:{root}").classes == ("down", "plain", "train")


def test_mistakes_in_a_folder_are_told(tmp_path: Path) -> None:
    refused("there is no such folder", f"folder:{tmp_path / 'nowhere'}")
    (tmp_path / "one").mkdir()
    refused("holds 0 folders with images; a class is a folder", f"folder:{tmp_path}")
    root = made.image_folder(tmp_path / "more", {"train": 2, "val": 1})
    (root / "val" / "plain").rename(root / "val" / "strange")
    refused("has the class 'strange', which the training", f"folder:{root}")
    flat = made.image_folder(tmp_path / "flat", {"train": 2})
    (flat / "val").mkdir()
    refused("val: holds no class folders", f"folder:{flat}")


def test_a_link_that_goes_round_or_nowhere_does_no_harm(tmp_path: Path) -> None:
    root = made.image_folder(tmp_path, {"": 2})
    (root / "down" / "round").symlink_to(root)
    (root / "down" / "nowhere.png").symlink_to(root / "gone.png")
    source = opened(f"folder:{root}")
    assert len(source.train.labels) + len(source.test.labels) == 7


@pytest.mark.parametrize("extracted", [False, True])
def test_cifar10_is_read_from_its_archive_or_its_folder(tmp_path: Path, extracted: bool) -> None:
    files = made.cifar10_files()
    place = tmp_path / "cifar"
    if extracted:
        for name, content in files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(content)
    else:
        made.archive(place, files)
    source = opened(f"cifar10:{place}")
    assert source.classes[:4] == (*made.CLASSES, "class3")
    assert source.train.labels.tolist() == [k % 10 for k in range(60)]
    assert source.test.labels.tolist() == [k % 10 for k in range(60, 72)]
    check_pixels(source.train, [made.pixels(k % 10 % 3, k) for k in range(60)])
    if extracted:
        assert opened(f"cifar10:{place / 'cifar-10-batches-bin'}").test.digest() == (
            source.test.digest()
        )


def test_cifar100_has_its_fine_labels(tmp_path: Path) -> None:
    source = opened(f"cifar100:{made.archive(tmp_path / 'c.tar.gz', made.cifar100_files())}")
    assert len(source.classes) == 100
    assert source.train.labels.tolist() == [k % 100 for k in range(200)]
    check_pixels(source.test, [made.pixels(k % 3, 900 + k) for k in range(100)])


def test_a_member_that_leads_out_of_the_archive_is_not_read_nor_written(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "down"
    folder.mkdir(parents=True)
    files = made.cifar10_files()
    stolen = files.pop("cifar-10-batches-bin/test_batch.bin")
    evil = {"../../test_batch.bin": stolen, "/tmp/../cifar-10-batches-bin/test_batch.bin": stolen}
    source = f"cifar10:{made.archive(folder / 'c.tar.gz', files | evil)}"
    refused("has no cifar-10-batches-bin/test_batch.bin", source)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["c.tar.gz"]


def test_damaged_archives_are_told(tmp_path: Path) -> None:
    files = made.cifar10_files()
    whole = made.archive(tmp_path / "c.tar.gz", files).read_bytes()
    (tmp_path / "half.tar.gz").write_bytes(whole[: len(whole) // 2])
    refused("is not a whole archive", f"cifar10:{tmp_path / 'half.tar.gz'}")
    (tmp_path / "text").write_text("hello")
    refused("is not a whole archive", f"cifar10:{tmp_path / 'text'}")
    refused("no such file or folder", f"cifar10:{tmp_path / 'nowhere'}")
    refused("has no cifar-100-binary/train.bin", f"cifar100:{tmp_path / 'c.tar.gz'}")
    name = "cifar-10-batches-bin/data_batch_3.bin"
    short = made.archive(tmp_path / "short", files | {name: files[name][:-1]})
    refused("data_batch_3.bin has 36,875 bytes.*truncated", f"cifar10:{short}")
    wrong = made.archive(tmp_path / "wrong", files | {name: b"\xff" + files[name][1:]})
    refused("record 0 has the label 255.*damaged", f"cifar10:{wrong}")


def test_npz_is_read_in_any_layout(tmp_path: Path) -> None:
    images, labels = made.arrays(5, 0)
    one = opened(f"npz:{made.npz(tmp_path / 'a', per_class=5)}")
    planes = images.transpose(0, 3, 1, 2)
    two = opened(f"npz:{made.npz(tmp_path / 'b', x_train=planes, y_train=labels[:, None])}")
    for source in (one, two):
        assert source.classes == ("0", "1", "2")
        assert source.channels == 3
        check_pixels(source.train, list(images))
    grey = made.npz(tmp_path / "c", x_train=images[..., 0], y_train=labels, x_test=None)
    source = opened(f"npz:{grey}", test_share=0.2)
    assert source.channels == 1
    assert (len(source.train.labels), len(source.test.labels)) == (12, 3)
    named = np.array(made.CLASSES)[labels]
    source = opened(f"npz:{made.npz(tmp_path / 'd', x_train=images, y_train=named, x_test=None)}")
    assert source.classes == made.CLASSES


def test_mistakes_in_an_npz_are_told(tmp_path: Path) -> None:
    images, labels = made.arrays(5, 0)

    def file(**content: object) -> str:
        return f"npz:{made.npz(tmp_path / 'a.npz', per_class=5, **content)}"

    refused("no such file", f"npz:{tmp_path / 'nowhere'}")
    (tmp_path / "text").write_text("hello")
    refused("is no NumPy archive", f"npz:{tmp_path / 'text'}")
    np.save(tmp_path / "one.npy", images)
    refused("holds one array", f"npz:{tmp_path / 'one.npy'}")
    refused("x_train is of float64; it must be uint8", file(x_train=images / 255))
    refused(r"shape \(15, 3072\)", file(x_train=images.reshape(15, -1)))
    refused("14 x_train and 15 y_train", file(x_train=images[1:]))
    refused("known are train_images, train_labels", file(x_train=None))
    refused("must hold one whole number", file(y_train=labels / 2))
    refused("has 1 classes", file(y_train=labels * 0))
    refused("'2', which the training images lack", file(y_train=labels % 2))
    refused("pickled objects", file(y_train=np.array([object()] * 15)))


def test_parquet_is_read_by_row_groups_with_its_class_names(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    source = opened(f"parquet:{made.parquet(tmp_path / 'data')}")
    assert source.classes == made.CLASSES
    assert np.bincount(source.train.labels).tolist() == [20] * 3
    assert len(source.test.labels) == 30
    images, _ = made.arrays(10, 200)
    check_pixels(source.test, list(images))
    assert source.train.name(33) == "train-00001-of-00002.parquet row 3"
    found = [len(block) for block in source.train.blocks(np.array([0, 6, 7, 29, 30, 59]))]
    assert found == [2, 1, 1, 1, 1]
    only = [np.asarray(raw) for raw in source.test.read(np.array([8, 9]))]
    assert len(only) == 2
    single = opened(f"parquet:{tmp_path / 'data' / 'train-00000-of-00002.parquet'}")
    assert len(single.train.labels) == 27


def test_mistakes_in_parquet_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    import pyarrow as pa

    refused("holds no .parquet files", f"parquet:{tmp_path}")
    refused("no such file", f"parquet:{tmp_path / 'nowhere.parquet'}")
    (tmp_path / "a.parquet").write_text("hello")
    refused("cannot be read", f"parquet:{tmp_path}")
    pq.write_table(pa.table({"picture": [b""], "label": [0]}), tmp_path / "a.parquet")
    refused("has the columns picture, label; one must be image or img", f"parquet:{tmp_path}")
    pq.write_table(pa.table({"image": [b"", b""], "label": [0, -1]}), tmp_path / "a.parquet")
    refused("rows without a label", f"parquet:{tmp_path}")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    refused(r"needs pyarrow: pip install 'dse\[data\]'", f"parquet:{tmp_path}")


class _Rows(list):  # type: ignore[type-arg]
    """As much of a `datasets.Dataset` as is used."""

    features: ClassVar = {"img": "Image", "label": types.SimpleNamespace(names=list(made.CLASSES))}

    def __getitem__(self, key: object) -> object:
        if isinstance(key, str):
            return [row[key] for row in self]
        return super().__getitem__(key)  # type: ignore[call-overload]

    def cast_column(self, _name: str, _feature: object) -> _Rows:
        return self


def test_a_data_set_of_the_hub_is_asked_for_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, labels = made.arrays(4, 0)
    encoded = [made.encoded(image, "PNG") for image in images]
    (tmp_path / "one.png").write_bytes(encoded[0])
    found = [{"bytes": content, "path": None} for content in encoded]
    found[0] = {"bytes": None, "path": str(tmp_path / "one.png")}
    rows = _Rows({"img": i, "label": int(k)} for i, k in zip(found, labels, strict=True))
    asked = []

    def load_dataset(name: str, config: str | None) -> dict[str, _Rows]:
        asked.append((name, config))
        if name == "nobody/nothing":
            raise FileNotFoundError("there is\nno such data set")
        return {"test": rows, "train": rows}

    fake = types.SimpleNamespace(load_dataset=load_dataset, Image=lambda decode: None)
    monkeypatch.setitem(sys.modules, "datasets", fake)
    source = opened("hf:somebody/stripes:small")
    assert asked == [("somebody/stripes", "small")]
    assert source.classes == made.CLASSES
    check_pixels(source.train, list(images))
    check_pixels(source.test, list(images))
    refused("cannot be loaded: there is no such data set", "hf:nobody/nothing")
    monkeypatch.setitem(sys.modules, "datasets", None)
    refused("needs the package datasets", "hf:somebody/stripes")


def test_fractals_are_those_of_the_embedded_data_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    asked = Request(
        source="fractals", resolution=16, classes=3, per_class=6, test_per_class=4, seed=5
    )
    meta = prepare(asked, tmp_path / "out", workers=2)
    found = open_arrays(tmp_path / "out", meta)
    spec = FractalSpec(classes=3, train_per_class=6, test_per_class=4, seed=5)
    embedded = load_dataset(spec, resolution=16)
    for split in ("train", "test"):
        expected = getattr(embedded, f"{split}_images")
        assert {image.tobytes() for image in found[f"{split}_images"]} == {
            image.tobytes() for image in expected
        }
        np.testing.assert_array_equal(
            found[f"{split}_labels"], getattr(embedded, f"{split}_labels")
        )


def test_a_source_that_is_none_is_told_with_what_there_is() -> None:
    refused("did you mean folder:PATH.*cifar10:PATH", "foldr:x")
    refused("write folder:PATH", "folder")
    refused("write fractals", "fractals:3")
