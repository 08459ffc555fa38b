"""The images of a full training: a folder, a prepared data set, or the embedded fractals."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor
from torch.utils.data import Dataset

from dse.errors import UserError
from dse.proxy.data.prepared import META, WORK
from dse.training.arrays import EMBEDDED, open_embedded, open_prepared
from dse.training.drawing import ITEM, drawn_from
from dse.training.folder import open_folder
from dse.training.pictures import Pictures, PictureSets
from dse.training.recipe import Recipe
from dse.training.transforms import Transform, evaluation_transform, train_transform


class ImageSet(Dataset[tuple[Tensor, int]]):
    """One split as tensors. Item `epoch, index` is a pure function of (seed, epoch, index).

    So it does not matter in which process an item is made, nor which were made before it. An item
    is a normalised float32 image (channels, resolution, resolution) and its label.
    """

    def __init__(
        self, pictures: Pictures, transform: Transform, *, seed: int, channels: int
    ) -> None:
        self.labels = pictures.labels
        self._pictures, self._transform = pictures, transform
        self._seed, self._mode = seed, "L" if channels == 1 else "RGB"

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, key: tuple[int, int]) -> tuple[Tensor, int]:
        """The image of (epoch, index); of test images the epoch changes nothing.

        Raises:
            DataError: the image cannot be read; the sentence names its file.
        """
        epoch, index = key
        picture = self._pictures.open(index)
        if picture.mode != self._mode:
            picture = picture.convert(self._mode)
        with drawn_from(self._seed, ITEM, epoch, index):
            return self._transform(picture), int(self.labels[index])


@dataclass(frozen=True, kw_only=True)
class ImageSets:
    """Both splits.

    Attributes:
        name: what the data set is called.
        classes: names; a label is a place in this list.
        in_channels: colour channels of the tensors.
        train: augmented as the recipe says.
        test: resized and cropped at the centre.
    """

    name: str
    classes: tuple[str, ...]
    in_channels: int
    train: ImageSet
    test: ImageSet


def open_images(data: str, recipe: Recipe, *, in_channels: int | None = None) -> ImageSets:
    """The images at `data`, looked over before anything starts.

    Args:
        data: a folder with `train/CLASS/IMAGE` and `val/CLASS/IMAGE` (or `validation/`, `test/`), a
            folder made by `dse data prepare`, or the word `embedded`: the images of the proxy
            preset of that name, at the recipe's resolution.
        recipe: whose `images`, `batch_size` and `seed` are taken.
        in_channels: 3 turns grey images into RGB, 1 the other way round; None leaves them as they
            are. Networks of a proxy see grey images as one channel.

    Raises:
        UserError: it is none of these; a split or class is missing or empty; there are fewer
            training images than a batch; a file that was looked at is no image.
    """
    found = _open(data, recipe.images.resolution)
    if len(found.train.labels) < recipe.batch_size:
        raise UserError(
            f"{data}: has {len(found.train.labels)} training images, fewer than one batch of "
            f"{recipe.batch_size}: lower batch_size, or take the recipe small_images."
        )
    channels = in_channels or found.in_channels
    mean, std = _as_channels(found.mean, channels), _as_channels(found.std, channels)
    pixels, seed = recipe.images, recipe.seed
    train, test = train_transform(pixels, mean, std), evaluation_transform(pixels, mean, std)
    return ImageSets(
        name=found.name,
        classes=tuple(found.classes),
        in_channels=channels,
        train=ImageSet(found.train, train, seed=seed, channels=channels),
        test=ImageSet(found.test, test, seed=seed, channels=channels),
    )


def _open(data: str, resolution: int) -> PictureSets:
    if data == EMBEDDED:
        return open_embedded(resolution)
    folder = Path(data)
    if not folder.is_dir():
        raise UserError(
            f"data {data!r}: there is no such folder; give one that holds train/CLASS/IMAGE and "
            f"val/CLASS/IMAGE, one made by `dse data prepare`, or the word {EMBEDDED}."
        )
    if (folder / META).exists() or (folder / WORK).is_dir():
        return open_prepared(folder)
    return open_folder(folder)


def _as_channels(values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    """Statistics of pictures that change mode: grey's for each colour, or the colours' mean."""
    return values if len(values) == channels else (sum(values) / len(values),) * channels
