"""A network is trained on what each source was prepared into."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from dse.architecture import Architecture
from dse.network import build
from dse.proxy.data.prepare import prepare
from dse.proxy.data.prepared import Request
from dse.proxy.datasets import load_dataset
from dse.proxy.device_data import DeviceData
from dse.proxy.recipe import Proxy
from dse.proxy.trainer import TrainResult, train
from tests.proxy.data import made

CPU = torch.device("cpu")


def source_of(kind: str, folder: Path) -> str:
    if kind == "folder":
        root = made.image_folder(folder / "f", {"train": 30, "val": 10}, awkward=True)
        return f"folder:{root}"
    if kind == "cifar10":
        return f"cifar10:{made.archive(folder / 'c.tar.gz', made.cifar10_files())}"
    if kind == "cifar100":
        return f"cifar100:{made.archive(folder / 'c.tar.gz', made.cifar100_files())}"
    if kind == "npz":
        return f"npz:{made.npz(folder / 'a.npz', per_class=30)}"
    if kind == "parquet":
        pytest.importorskip("pyarrow")
        return f"parquet:{made.parquet(folder / 'p')}"
    return "fractals"


def prepared_proxy(kind: str, folder: Path, **others: object) -> Proxy:
    asked = {"source": source_of(kind, folder), "resolution": 16}
    if kind == "fractals":
        asked |= {"classes": 3, "per_class": 20, "test_per_class": 5}
    prepare(Request.model_validate(asked), folder / "out", max_bad=0.05)
    return Proxy.model_validate(
        {
            "dataset": {"source": "prepared", "path": str(folder / "out")},
            "resolution": 16,
            "epochs": 2,
            "recipe": {"batch_size": 16, "learning_rate": 0.01},
        }
        | others
    )


def trained(proxy: Proxy, *, streamed: bool = False) -> TrainResult:
    torch.set_num_threads(1)
    data = DeviceData(load_dataset(proxy.dataset, resolution=16), CPU, streamed=streamed)
    torch.manual_seed(0)
    network = Architecture(
        depths=(1, 1), dims=(8, 16), norm_layer="batch_norm", kernel_sizes=(3, 3)
    )
    model = build(network, in_channels=data.channels, classes=data.classes)
    return train(model, data, proxy, seed=0, device=CPU)


@pytest.mark.parametrize("kind", ["folder", "cifar10", "cifar100", "npz", "parquet", "fractals"])
def test_a_network_trains_on_every_source(kind: str, tmp_path: Path) -> None:
    result = trained(prepared_proxy(kind, tmp_path))
    assert result.state == "complete"
    assert result.error is not None
    assert len(result.epochs) == 2


def test_a_network_learns_from_prepared_images(tmp_path: Path) -> None:
    proxy = prepared_proxy("npz", tmp_path, epochs=4)
    result = trained(proxy)
    assert result.error is not None
    assert result.error < 0.2  # chance is 0.67


def test_streaming_gives_the_same_training_to_the_bit(tmp_path: Path) -> None:
    proxy = prepared_proxy("folder", tmp_path, train_images=60)
    mapped, streamed = trained(proxy), trained(proxy, streamed=True)
    assert mapped.epochs == streamed.epochs
