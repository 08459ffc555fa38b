"""Real files of every kind a source reads: coloured stripes, so that networks can learn them."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

CLASSES = ("across", "down", "plain")
Pixels = npt.NDArray[np.uint8]


def pixels(label: int, number: int, size: tuple[int, int] = (32, 32)) -> Pixels:
    """One image (h, w, 3) of a class: stripes that lie, stripes that stand, or none, in noise."""
    rng = np.random.default_rng((label, number))
    height, width = size
    stripes = np.zeros(size, np.int64)
    if label == 0:
        stripes[np.arange(height) % 8 < 4] = 150
    elif label == 1:
        stripes[:, np.arange(width) % 8 < 4] = 150
    return (stripes[..., None] + rng.integers(0, 100, (height, width, 3))).astype(np.uint8)


def encoded(image: Pixels, kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind)
    return file.getvalue()


def image_folder(root: Path, splits: Mapping[str, int], awkward: bool = False) -> Path:
    """`splits` as {"train": 20, "val": 10} images of each class; "" puts classes into `root`."""
    for split, count in splits.items():
        for label, name in enumerate(CLASSES):
            folder = root / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                kind = ("PNG", "JPEG")[number % 2]
                size = ((32, 32), (40, 52))[number % 2]
                content = encoded(pixels(label, number + 1000 * (split == "val"), size), kind)
                (folder / f"{number:03}.{kind.lower()}").write_bytes(content)
    if awkward:
        across = root / next(iter(splits)) / CLASSES[0]
        whole = encoded(pixels(0, 500, (64, 64)), "JPEG")
        (across / "truncated.jpeg").write_bytes(whole[: len(whole) // 2])
        (across / "zero.png").write_bytes(b"")
        (across / "notes.txt").write_text("no image")
        Image.fromarray(pixels(0, 501)).convert("CMYK").save(across / "cmyk.jpeg")
        deep = pixels(0, 502)[..., 0].astype(np.uint16) * 257
        Image.fromarray(deep).save(across / "deep.png")
        (across / ".hidden").write_bytes(b"")
    return root


def arrays(per_class: int, seed: int) -> tuple[Pixels, npt.NDArray[np.int64]]:
    """Images (n, 32, 32, 3), class after class, and labels (n,)."""
    labels = np.repeat(np.arange(len(CLASSES)), per_class)
    images = [pixels(int(label), seed + k) for k, label in enumerate(labels)]
    return np.stack(images), labels


def npz(path: Path, per_class: int = 20, **others: Any) -> Path:
    x_train, y_train = arrays(per_class, 0)
    x_test, y_test = arrays(10, 5000)
    content = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    with path.open("wb") as file:
        np.savez(file, **{k: v for k, v in (content | others).items() if v is not None})
    return path


def parquet(folder: Path, group: int = 7) -> Path:
    """Two training files and one for validation, in the hub's layout; row 3 has a broken image."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True)
    names = {"info": {"features": {"label": {"names": CLASSES, "_type": "ClassLabel"}}}}
    for number, name in enumerate(
        ("train-00000-of-00002", "train-00001-of-00002", "validation-00000-of-00001")
    ):
        images, labels = arrays(10, 100 * number)
        content = [encoded(image, "PNG") for image in images]
        if number == 0:
            content[3] = content[3][:200]
        image = [{"bytes": each, "path": None} for each in content]
        table = pa.table({"image": image, "label": labels})
        table = table.replace_schema_metadata({"huggingface": json.dumps(names)})
        pq.write_table(table, folder / f"{name}.parquet", row_group_size=group)
    return folder


def cifar10_files(per_batch: int = 12) -> dict[str, bytes]:
    """The archive's members: every class in turn, the first three told apart by stripes."""
    names = [*CLASSES, *(f"class{k}" for k in range(3, 10))]
    found = {"batches.meta.txt": "\n".join([*names, ""]).encode()}
    for batch, name in enumerate([*(f"data_batch_{k}.bin" for k in range(1, 6)), "test_batch.bin"]):
        records = []
        for k in range(per_batch):
            label = (batch * per_batch + k) % 10
            planes = pixels(label % 3, batch * per_batch + k).transpose(2, 0, 1)
            records.append(bytes([label]) + planes.tobytes())
        found[name] = b"".join(records)
    return {f"cifar-10-batches-bin/{name}": content for name, content in found.items()}


def archive(path: Path, members: Mapping[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def cifar100_files(train: int = 200, test: int = 100) -> dict[str, bytes]:
    def records(count: int, seed: int) -> bytes:
        return b"".join(
            bytes([k % 100 // 5, k % 100]) + pixels(k % 3, seed + k).transpose(2, 0, 1).tobytes()
            for k in range(count)
        )

    names = "\n".join(f"fine{k}" for k in range(100))
    return {
        "cifar-100-binary/train.bin": records(train, 0),
        "cifar-100-binary/test.bin": records(test, 900),
        "cifar-100-binary/fine_label_names.txt": names.encode(),
    }
