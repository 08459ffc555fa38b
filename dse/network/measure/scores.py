"""Zero-cost scores of networks at a proxy, with the plain baselines that they must beat."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import torch

from dse.architecture.cost import cost
from dse.architecture.spec import Architecture
from dse.network.build import build
from dse.network.measure.measurement import Measurement
from dse.network.measure.memory import room_for
from dse.proxy.datasets import load_dataset
from dse.proxy.device import device_name
from dse.proxy.device_data import DeviceData
from dse.proxy.recipe import Proxy
from dse.proxy.zero_cost import SCORES, zero_cost

BASELINES: Final = ("log_flops", "log_params")
SCORE_NAMES: Final = (*(score.name for score in SCORES), *BASELINES)

IMAGES: Final = 32
"""Of the one batch behind the scores: in double precision, more would fill a small machine."""


def score_networks(
    architectures: Sequence[Architecture],
    *,
    proxy: Proxy,
    device: torch.device,
    seed: int = 0,
    report: Callable[[int], None] | None = None,
) -> list[tuple[Measurement, ...]]:
    """All zero-cost scores of networks as `proxy` would train them, and nothing is trained.

    The weights are those from which the training with this seed starts; `IMAGES` training images,
    or fewer if the proxy's batches are smaller, are drawn by the seed, the same for all networks,
    and not augmented. The baselines are the natural logarithms of the multiply-adds and parameters
    of the same network, at the proxy's width and resolution. `report` hears the place of the
    network at hand.

    Returns:
        For each network its scores in the order of `SCORE_NAMES`, each a plain number with n = 1.

    Raises:
        UserError: the data cannot be read, the images are too small for a network, or the memory
            does not suffice.
    """
    data = DeviceData(load_dataset(proxy.dataset, resolution=proxy.resolution), device)
    order = torch.randperm(proxy.images, generator=torch.Generator().manual_seed(seed))
    images, labels = data.train_batch(order[: min(IMAGES, proxy.recipe.batch_size)])
    found = []
    for place, architecture in enumerate(architectures):
        if report:
            report(place)
        network = architecture.scaled(proxy.channels)
        paper = cost(
            network,
            resolution=proxy.resolution,
            in_channels=data.channels,
            classes=data.classes,
        )
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            torch.manual_seed(seed)
            model = build(network, in_channels=data.channels, classes=data.classes)
        model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        with room_for(f"scoring network {place + 1}", device):
            values = zero_cost(model, images, labels, seed=seed)
        values |= {"log_flops": math.log(paper.flops), "log_params": math.log(paper.params)}
        found.append(
            tuple(
                Measurement(
                    name=name,
                    value=values[name],
                    n=1,
                    unit="1",
                    device=device_name(device),
                    dtype="float64",
                    batch=len(images),
                    layout="channels_last",
                    resolution=proxy.resolution,
                    threads=torch.get_num_threads() if device.type == "cpu" else None,
                )
                for name in SCORE_NAMES
            )
        )
    return found
