"""A prepared data set: a folder of four arrays, and what is known of them in `meta.json`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from dse.config import Config, parse_config
from dse.errors import DataError

FORMAT: Final = 1
META: Final = "meta.json"
WORK: Final = ".preparing"  # the folder that is there until all is done
ARRAYS: Final = ("train_images", "train_labels", "test_images", "test_labels")

SplitName = Literal["train", "test"]
SPLIT_NAMES: Final[tuple[SplitName, ...]] = ("train", "test")
Count = Annotated[int, Field(ge=1)]


class RefusedImage(Config):
    """An image that was left out, and why."""

    split: SplitName
    name: str
    reason: str


class Request(Config):
    """What is prepared: a source, a size, a subset by seed. Two equal ones give equal arrays.

    `channels` null is as the source has them; `classes`, `per_class` and `test_per_class` null
    are all there are; `test_share` is held out where the source has no test split.
    """

    source: str
    resolution: Annotated[int, Field(ge=8, le=1024)]
    channels: Literal[1, 3] | None = None
    classes: Annotated[int, Field(ge=2)] | None = None
    per_class: Count | None = None
    test_per_class: Count | None = None
    test_share: Annotated[float, Field(gt=0, lt=1)] = 0.1
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0


class Meta(Config):
    """What `meta.json` holds.

    Attributes:
        request: what was asked for.
        listing: hash of the source's list of images, by which a second preparation is compared.
        channels: 3 for RGB, 1 for grey.
        classes: names; a label is a place in this list.
        per_class: images of each class, by split.
        mean, std: of the training images, one number a channel, from 0 to 255.
        refused: images that were left out.
        versions: of the packages that decoded.
        files: SHA-256 of each array's file.
        checksum: of the whole data set, from `files` and `classes`.
    """

    format: Literal[1] = FORMAT
    request: Request
    listing: str
    channels: Literal[1, 3]
    classes: tuple[str, ...]
    per_class: dict[SplitName, tuple[int, ...]]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    refused: tuple[RefusedImage, ...]
    versions: dict[str, str]
    files: dict[str, str]
    checksum: str

    def images(self, split: SplitName) -> int:
        """How many images a split has."""
        return sum(self.per_class[split])


def checksum_of(files: Mapping[str, str], classes: tuple[str, ...]) -> str:
    """What tells two data sets apart: 16 hexadecimal digits."""
    text = json.dumps([FORMAT, sorted(files.items()), classes])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class PreparedSpec(Config):
    """A prepared data set by its folder.

    The rest is read from its `meta.json` and kept with the study, so that a study notices when
    another data set lies there; write `checksum` into a proxy to insist on one.
    """

    source: Literal["prepared"]
    path: str
    checksum: str
    resolution: int
    classes: int
    train_images: int

    @model_validator(mode="before")
    @classmethod
    def _from_the_folder(cls, data: Any) -> Any:
        facts = set(cls.model_fields) - {"source", "path"}
        if not isinstance(data, dict) or not isinstance(data.get("path"), str):
            return data
        if facts <= data.keys():
            return data  # as a study has kept it; the folder may be on another machine
        found = facts_of(Path(data["path"]), read_meta(data["path"]))
        for key in sorted(facts & data.keys()):
            if data[key] != found[key]:
                raise ValueError(f"{key} is {data[key]}, but of the data set there it is "
                                 f"{found[key]}")  # fmt: skip
        return {**found, **data}

    @property
    def name(self) -> str:
        """What the data set is called."""
        return Path(self.path).name


def facts_of(path: Path, meta: Meta) -> dict[str, Any]:
    """What a `PreparedSpec` keeps of a data set."""
    return {
        "source": "prepared",
        "path": str(path),
        "checksum": meta.checksum,
        "resolution": meta.request.resolution,
        "classes": len(meta.classes),
        "train_images": meta.images("train"),
    }


def read_meta(folder: str | Path) -> Meta:
    """What is known of a prepared data set.

    Raises:
        DataError: there is none, it is not finished, or its `meta.json` is damaged.
    """
    path = Path(folder) / META
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        if (Path(folder) / WORK).is_dir():
            raise DataError(
                f"{folder}: is not finished; the same `dse data prepare` goes on where it stopped."
            ) from None
        raise DataError(
            f"{folder}: is no prepared data set, as it has no {META}; `dse data prepare` makes one."
        ) from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}.") from None
    except ValueError:
        raise DataError(f"{path}: is damaged: it is not valid JSON.") from None
    if isinstance(data, dict) and data.get("format", FORMAT) != FORMAT:
        raise DataError(
            f"{path}: is of format {data['format']}, this version of dse reads {FORMAT}: "
            "prepare the data again."
        )
    meta = parse_config(Meta, data, source=str(path))
    if meta.checksum != checksum_of(meta.files, meta.classes):
        raise DataError(f"{path}: is damaged: its checksum is not that of its content.")
    return meta


def open_arrays(folder: str | Path, meta: Meta) -> dict[str, npt.NDArray[Any]]:
    """The four arrays: images memory-mapped, labels in memory. Contents are not verified.

    Raises:
        DataError: a file is missing, truncated or of another shape than `meta` says.
    """
    found: dict[str, npt.NDArray[Any]] = {}
    size = meta.request.resolution
    for split in SPLIT_NAMES:
        n = meta.images(split)
        images = _load(Path(folder) / f"{split}_images.npy", mapped=True)
        labels = _load(Path(folder) / f"{split}_labels.npy", mapped=False)
        if images.shape != (n, meta.channels, size, size) or images.dtype != np.uint8:
            raise DataError(f"{folder}: {split}_images.npy is damaged: it has the wrong shape.")
        if labels.shape != (n,) or labels.dtype != np.int64:
            raise DataError(f"{folder}: {split}_labels.npy is damaged: it has the wrong shape.")
        found |= {f"{split}_images": images, f"{split}_labels": labels}
    return found


def _load(path: Path, *, mapped: bool) -> npt.NDArray[Any]:
    try:
        # "c" is read-only on disk and, unlike "r", no array that torch warns of
        array = np.load(path, mmap_mode="c" if mapped else None, allow_pickle=False)
    except FileNotFoundError:
        raise DataError(f"{path}: is missing; prepare the data again.") from None
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: is damaged: {' '.join(str(error).split())}.") from None
    assert isinstance(array, np.ndarray)
    return array


def verify(folder: str | Path, meta: Meta, on_bytes: Callable[[int], None] | None = None) -> None:
    """Read every array and compare its SHA-256; `on_bytes` hears how many bytes were read.

    Raises:
        DataError: a file is missing or not what was prepared.
    """
    for name, expected in meta.files.items():
        if sha256_of(Path(folder) / name, on_bytes) != expected:
            raise DataError(
                f"{Path(folder) / name}: is damaged: its SHA-256 is not the one in {META}; "
                "prepare the data again, into a new folder."
            )


def sha256_of(path: Path, on_bytes: Callable[[int], None] | None = None) -> str:
    """SHA-256 of a file.

    Raises:
        DataError: it cannot be read.
    """
    found = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(2**22):
                found.update(piece)
                if on_bytes:
                    on_bytes(len(piece))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}.") from None
    return found.hexdigest()
