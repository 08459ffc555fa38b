"""A task that a small network learns in a moment."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from dse.proxy.datasets import Dataset, FractalSpec
from dse.proxy.device_data import DeviceData
from dse.proxy.recipe import Proxy
from dse.proxy.task import Task
from dse.proxy.trainer import TrainResult, train

CPU = torch.device("cpu")
SPEC = FractalSpec(classes=3, train_per_class=40, test_per_class=20)


def proxy(epochs: int = 4, **recipe: Any) -> Proxy:
    """Batches of 16 of 120 images: 7 steps an epoch."""
    settings = {"batch_size": 16, "learning_rate": 0.02, **recipe}
    return Proxy.model_validate(
        {"dataset": SPEC.model_dump(), "resolution": 16, "epochs": epochs, "recipe": settings}
    )


def stripes() -> DeviceData:
    """Stripes that lie, stand or cross, in noise: 40 and 20 images of each."""
    rng = np.random.default_rng(0)
    lines = np.tile([[1], [0]], (8, 16))
    patterns = np.stack([lines, lines.T, lines ^ lines.T])

    def images(count: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        labels = np.tile(np.arange(3), count)
        noisy = 60 * patterns[labels] + rng.integers(0, 190, (3 * count, 16, 16))
        return noisy[:, None].astype(np.uint8), labels

    train_images, train_labels = images(SPEC.train_per_class)
    test_images, test_labels = images(SPEC.test_per_class)
    return DeviceData(
        Dataset(
            train_images=train_images,
            train_labels=train_labels,
            test_images=test_images,
            test_labels=test_labels,
            classes=3,
        ),
        CPU,
    )


def network(seed: int = 0, dropout: float = 0.2, norm: bool = True) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 16, 4, 4),
        nn.BatchNorm2d(16) if norm else nn.Identity(),
        nn.Conv2d(16, 16, 5, padding=2, groups=16),
        nn.Conv2d(16, 32, 1),
        nn.GELU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.Linear(32, 3),
    )


def task(
    data: DeviceData,
    asked: Proxy,
    seed: int = 0,
    parts: int = 1,
    dtype: torch.dtype = torch.float32,
) -> Task:
    return Task(data=data, proxy=asked, seed=seed, device=CPU, dtype=dtype, parts=parts)


def trained(data: DeviceData, asked: Proxy, seed: int = 0, **options: Any) -> TrainResult:
    model = options.pop("model", None) or network()
    return train(model, data, asked, seed=seed, device=CPU, **options)
