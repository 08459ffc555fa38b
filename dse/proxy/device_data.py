"""A data set on the device while it fits, else streamed to it from the memory map."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from dse.proxy.datasets import Dataset

RESIDENT_SHARE: Final = 1 / 3  # of the GPU's free memory that images may take; networks need some
AHEAD: Final = 3  # batches that are read before they are asked for
PIECE: Final = 2**26  # bytes moved to the device at once

Batch = tuple[torch.Tensor, torch.Tensor]
"""Normalised float32 images (b, c, r, r), channels last, and labels (b,)."""
Stored = tuple[torch.Tensor, torch.Tensor]
"""uint8 images (n, r, r, c) and labels (n,)."""


class DeviceData:
    """uint8 images that are normalised batch by batch, when they are asked for.

    On a GPU they are resident if they take at most a third of its free memory; else a thread reads
    the next batches into pinned memory, from where they are copied. On a CPU a memory-mapped data
    set is indexed where it lies, so that workers share its pages.

    Normalisation is by the training images' mean and standard deviation, per channel.
    """

    def __init__(
        self, dataset: Dataset, device: torch.device, *, streamed: bool | None = None
    ) -> None:
        """Put a data set on the device; `streamed` None decides by size."""
        self.device = device
        self.classes = dataset.classes
        self.channels = dataset.channels
        self.resolution = dataset.resolution
        self.streamed = not fits(dataset, device) if streamed is None else streamed
        self.train_images = self._placed(dataset.train_images)
        self.test_images = self._placed(dataset.test_images)
        place = torch.device("cpu") if self.streamed else device
        self.train_labels = torch.from_numpy(dataset.train_labels).to(place)
        self.test_labels = torch.from_numpy(dataset.test_labels).to(place)
        self._train = (self.train_images, self.train_labels)
        self._test = (self.test_images, self.test_labels)
        mean, std = _statistics(dataset)
        self._shift = torch.tensor(-mean / std, dtype=torch.float32, device=device)
        self._scale = torch.tensor(1 / std, dtype=torch.float32, device=device)

    def _placed(self, images: npt.NDArray[np.uint8]) -> torch.Tensor:
        # Seen pixel by pixel (NHWC), so that a permuted view of a batch is channels_last.
        pixels = images.transpose(0, 2, 3, 1)
        if self.streamed or (self.device.type == "cpu" and isinstance(images, np.memmap)):
            return torch.from_numpy(pixels)
        found = torch.empty(pixels.shape, dtype=torch.uint8, device=self.device)
        step = max(1, PIECE // max(1, pixels[:1].size))
        for at in range(0, len(pixels), step):
            found[at : at + step] = torch.from_numpy(np.ascontiguousarray(pixels[at : at + step]))
        return found

    def train_batch(self, indices: torch.Tensor) -> Batch:
        """Normalised float32 images (b, c, r, r) and labels (b,) for `indices`."""
        pixels, labels = self.train_stored(indices)
        return self.normalised(pixels), labels

    def train_stored(self, indices: torch.Tensor) -> Stored:
        """uint8 images (b, r, r, c) and labels (b,) for `indices`, on the device."""
        return self._uploaded(self._gathered(self._train, indices))

    def test_batch(self, start: int, stop: int) -> Batch:
        """Held-out images and labels from `start` to `stop`, as `train_batch` gives them."""
        stop = min(stop, len(self.test_labels))
        pixels, labels = self._uploaded(self._gathered(self._test, torch.arange(start, stop)))
        return self.normalised(pixels), labels

    def train_pieces(self, batches: Iterable[torch.Tensor]) -> Iterator[Stored]:
        """What `train_stored` gives for each of `batches`, which may be endless."""
        return self._pieces(self._train, batches)

    def train_batches(self, order: torch.Tensor, size: int) -> Iterator[Batch]:
        """Training images in this order in batches of `size` or, the last one, fewer."""
        return self._batches(self._train, order, size)

    def test_batches(self, size: int) -> Iterator[Batch]:
        """All held-out images in batches of `size` or, the last one, fewer."""
        return self._batches(self._test, torch.arange(len(self.test_labels)), size)

    def in_batches(self, order: torch.Tensor, size: int) -> tuple[torch.Tensor, ...]:
        """Numbers of images, split, and moved once to where the images lie: each move waits."""
        return torch.split(order.to(self.train_images.device), size)

    def _batches(self, split: Stored, order: torch.Tensor, size: int) -> Iterator[Batch]:
        for pixels, labels in self._pieces(split, self.in_batches(order, size)):
            yield self.normalised(pixels), labels

    def _pieces(self, split: Stored, batches: Iterable[torch.Tensor]) -> Iterator[Stored]:
        if not self.streamed:
            yield from (self._uploaded(self._gathered(split, indices)) for indices in batches)
            return
        ahead: deque[Future[Stored]] = deque()
        with ThreadPoolExecutor(1) as pool:
            for indices in batches:
                ahead.append(pool.submit(self._gathered, split, indices))
                if len(ahead) > AHEAD:
                    yield self._uploaded(ahead.popleft().result())
            while ahead:
                yield self._uploaded(ahead.popleft().result())

    def _gathered(self, split: Stored, indices: torch.Tensor) -> Stored:
        """uint8 images and labels where they lie; of a streamed data set in pinned memory."""
        indices = indices.to(split[0].device)
        if not self.streamed:
            return split[0][indices], split[1][indices]
        stored = split[0].permute(0, 3, 1, 2)  # as they lie in the file
        pinned = self.device.type == "cuda"
        pixels = torch.empty(
            (len(indices), *stored.shape[1:]), dtype=torch.uint8, pin_memory=pinned
        )
        labels = torch.empty(len(indices), dtype=torch.int64, pin_memory=pinned)
        torch.index_select(stored, 0, indices, out=pixels)
        torch.index_select(split[1], 0, indices, out=labels)
        return pixels.permute(0, 2, 3, 1), labels

    def _uploaded(self, batch: Stored) -> Stored:
        pixels, labels = (part.to(self.device, non_blocking=True) for part in batch)
        return pixels, labels

    def normalised(self, images: torch.Tensor) -> torch.Tensor:
        """uint8 images (b, r, r, c) on the device as float32 (b, c, r, r), channels_last."""
        scaled = torch.addcmul(self._shift, images.contiguous(), self._scale)
        return scaled.permute(0, 3, 1, 2)


def fits(dataset: Dataset, device: torch.device) -> bool:
    """Whether the images may lie on the device; on a CPU they are where they are."""
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return dataset.train_images.nbytes + dataset.test_images.nbytes <= RESIDENT_SHARE * free


def _statistics(dataset: Dataset) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    if dataset.statistics is None:
        pixels = dataset.train_images
        mean = pixels.mean(axis=(0, 2, 3), dtype=np.float64)
        std = pixels.std(axis=(0, 2, 3), dtype=np.float64)
    else:
        mean, std = map(np.asarray, dataset.statistics)
    return mean, np.maximum(std, 1.0)
