"""What can only be seen on a GPU; run it there with `python -m pytest tests/proxy/test_gpu.py`."""

from __future__ import annotations

import pytest
import torch

from dse.architecture import Architecture
from dse.network import build
from dse.proxy.datasets import FractalSpec, load_dataset
from dse.proxy.device_data import DeviceData
from dse.proxy.recipe import Proxy
from dse.proxy.trainer import TrainResult, train

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")

PROXY = Proxy(dataset=FractalSpec(classes=4, train_per_class=64, test_per_class=25), epochs=6)


def trained(dims: tuple[int, ...]) -> TrainResult:
    device = torch.device("cuda")
    data = DeviceData(load_dataset(PROXY.dataset, resolution=PROXY.resolution), device)
    torch.manual_seed(0)
    network = Architecture(depths=(1, 1, 2, 1), dims=dims, norm_layer="batch_norm")
    model = build(network, in_channels=data.channels, classes=data.classes)
    return train(model, data, PROXY, seed=0, device=device)


def test_a_network_learns_on_the_gpu_in_bfloat16() -> None:
    result = trained((16, 32, 64, 128))
    assert (result.state, result.device, result.dtype) == ("complete", "cuda", "bfloat16")
    assert result.error is not None
    assert result.error < 0.6  # chance is 0.75


def test_a_network_that_does_not_fit_is_out_of_memory_and_the_next_one_trains() -> None:
    free, _ = torch.cuda.mem_get_info()
    torch.cuda.set_per_process_memory_fraction(min(1.0, 2e8 / free))
    try:
        assert trained((4096, 4096, 4096, 4096)).state == "out_of_memory"
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        torch.cuda.empty_cache()
    assert trained((16, 32, 64, 128)).state == "complete"


def test_streamed_images_train_as_resident_ones() -> None:
    device = torch.device("cuda")
    dataset = load_dataset(PROXY.dataset, resolution=PROXY.resolution)
    batches = []
    for streamed in (False, True):
        data = DeviceData(dataset, device, streamed=streamed)
        order = torch.randperm(256, generator=torch.Generator().manual_seed(0))
        found = [*data.train_batches(order, 32), *data.test_batches(32)]
        batches.append(found)
    assert len(batches[0]) == len(batches[1]) == 8 + 4
    for (images, labels), (others, other_labels) in zip(*batches, strict=True):
        torch.testing.assert_close(images, others, rtol=0, atol=0)
        assert labels.tolist() == other_labels.tolist()
        assert others.is_contiguous(memory_format=torch.channels_last)
        assert others.device.type == "cuda"
