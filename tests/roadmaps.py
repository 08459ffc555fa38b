"""Made-up studies of the ConvNeXt paper's walk, as `tests.population` has them of a space."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd

from dse.architecture import Architecture, cost
from dse.architecture.roadmap import FROM_RESNET50
from dse.architecture.roadmap_steps import RESNET50, STEPS, network
from tests.population import flatten

CLASSES = 20
FEW = ("stage ratio", "depthwise conv", "kernel size 7", "BN to LN")


def trainings(
    networks: Sequence[Architecture], errors: Sequence[float], *, seeds: int = 2, noise: float = 0.0
) -> pd.DataFrame:
    """A row a training, `seeds` of each network."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        [
            {
                "study": "walk",
                "index": index,
                "replicate": seed,
                "state": "complete",
                "reason": None,
                "error": float(error + noise * rng.standard_normal()),
                "seconds": 20.0,
                "test_images": 5000,
                "classes": CLASSES,
                "device": "cpu",
                "dtype": "float32",
                "flops": cost(found, resolution=224).flops,
                "params": 10**7,
                "activations": 10**7,
                "architecture": found.to_dict(),
                **flatten(found.to_dict()),
            }
            for index, (found, error) in enumerate(zip(networks, errors, strict=True))
            for seed in range(seeds)
        ]
    )


def as_printed(noise: float = 0.002) -> pd.DataFrame:
    """Rows 1 to 16 of the walk from ResNet-50 at the paper's widths, 0.3 above its errors."""
    steps = [step for step in FROM_RESNET50 if step.number > 0]
    errors = [1.3 - step.printed_top1 / 100 for step in steps if step.printed_top1]
    return trainings([step.architecture for step in steps], errors, noise=noise)


def every_set(gains: Sequence[float] = (-0.01, 0.02, -0.03, 0.0)) -> pd.DataFrame:
    """All 16 sets of four steps at other widths, whose gains add up to what they are alone."""
    networks, errors = [], []
    for number in range(2 ** len(FEW)):
        taken = {step for place, step in enumerate(FEW) if number >> place & 1}
        errors.append(0.5 + sum(gains[FEW.index(step)] for step in taken))
        kernel = {"kernel size 5"} if "kernel size 7" in taken else set()
        rest = set(STEPS) - set(FEW) - {"width", "kernel size 5", "separate downsampling"}
        found = network(RESNET50, frozenset(taken | kernel | rest))
        wide = {"dims": tuple(3 * dim for dim in found.dims), "stem_width": None}
        networks.append(dataclasses.replace(found, **wide))
    return trainings(networks, errors)
