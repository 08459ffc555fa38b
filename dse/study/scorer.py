"""The default scorer: build the network, train it on the study's proxy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import dse
from dse.store.records import ClaimedTrial, EpochResult, StudyRecord, TrialResult

if TYPE_CHECKING:
    from torch import nn

    from dse.proxy.device_data import DeviceData
    from dse.proxy.recipe import Proxy

OnStep = Callable[[int, int, float], None]
"""Called with (step, steps, newest loss)."""
Scorer = Callable[[ClaimedTrial, OnStep], TrialResult]
"""Trains one claimed network."""
ScorerFactory = Callable[[StudyRecord, str], Scorer]
"""Makes a scorer for a study and a device ("cpu", "cuda"), once in each worker process.

It must be importable by name, as worker processes start from nothing.
"""


def proxy_scorer(study: StudyRecord, device: str) -> Scorer:
    """A scorer that trains networks as the study's proxy says.

    A result depends on the architecture, the trial's seed and the device alone, never on the
    worker or on what it trained before.
    """
    import torch

    from dse.proxy.datasets import load_dataset
    from dse.proxy.device import prepare_worker
    from dse.proxy.device_data import DeviceData
    from dse.proxy.recipe import Proxy
    from dse.proxy.trainer import train

    prepare_worker()
    place = torch.device(device)
    proxy = Proxy.model_validate(study.proxy)
    data = DeviceData(load_dataset(proxy.dataset, resolution=proxy.resolution), place)
    packages = versions("torch", "numpy")

    def score(trial: ClaimedTrial, on_step: OnStep) -> TrialResult:
        torch.manual_seed(trial.seed)
        model = make_model(trial.architecture, proxy, data)
        result = train(
            model,
            data,
            proxy,
            seed=trial.seed,
            device=place,
            on_step=on_step,
            checkpoint=trial.checkpoint,
            until_epoch=trial.until_epoch,
        )
        return TrialResult(
            state=result.state,
            reason=result.reason,
            error=result.error,
            train_loss=result.train_loss,
            epochs=tuple(EpochResult(**vars(epoch)) for epoch in result.epochs),
            seconds=result.seconds,
            cpu_seconds=result.cpu_seconds,
            test_images=result.test_images,
            classes=data.classes,
            device=result.device,
            dtype=result.dtype,
            learning_rate=result.learning_rate,
            micro_batch=result.micro_batch,
            versions=packages,
        )

    return score


def make_model(architecture: Mapping[str, Any], proxy: Proxy, data: DeviceData) -> nn.Module:
    """A network at the proxy's width, or a reference as it is, with fresh weights."""
    from dse.architecture.spec import Architecture
    from dse.network.build import build
    from dse.network.timm_model import build_reference
    from dse.study.reference import KEY

    if KEY in architecture:
        return build_reference(
            architecture[KEY],
            resolution=proxy.resolution,
            in_channels=data.channels,
            classes=data.classes,
        )
    network = Architecture.from_dict(architecture).scaled(proxy.channels)
    return build(network, in_channels=data.channels, classes=data.classes)


def versions(*packages: str) -> Mapping[str, str]:
    """The versions of dse and of the named packages, those that are installed."""
    found = {"dse": dse.__version__}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
