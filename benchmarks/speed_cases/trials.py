"""The trials that estimators are timed on, and how a module names one to be timed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

LAYERS, CHOICES = 8, 3


@dataclass(frozen=True, kw_only=True)
class Trials:
    """Drawn from formulas: errors that depend on eight choices and on cost, with seed noise.

    `population` has one row a training, a fifth of the networks with a second seed and one in a
    hundred that ended badly; the arrays are of the first seeds, `outcomes` with inf and `errors`
    with the error of guessing where a training ended badly.
    """

    population: pd.DataFrame
    outcomes: NDArray[np.float64]
    errors: NDArray[np.float64]
    layers: NDArray[np.int64]
    flops: NDArray[np.float64]
    params: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Speed:
    """One estimator: what the table calls it, how it is called, and its limit [s]."""

    name: str
    run: Callable[[Trials], object]
    limit: float = 2.0


def make(trials: int, seed: int = 0) -> Trials:
    """So many trials."""
    rng = np.random.default_rng(seed)
    networks = round(trials / 1.2)
    layers = rng.integers(CHOICES, size=(networks, LAYERS))
    flops = 1e7 * (3 + layers @ np.linspace(1, 2, LAYERS)) * rng.lognormal(0, 0.1, networks)
    effects = 0.02 * rng.standard_normal((LAYERS, CHOICES))
    quality = 0.2 + effects[np.arange(LAYERS), layers].sum(axis=1) - 0.03 * np.log(flops / 1e8)
    index = np.concatenate([np.arange(networks), np.arange(trials - networks)])
    error = np.clip(quality[index] + 0.01 * rng.standard_normal(trials), 0.01, 0.89)
    bad = rng.random(trials) < 0.01
    columns = {f"arch.depths.{k + 1}": layers[index, k] for k in range(LAYERS)}
    population = pd.DataFrame(
        {
            "study": "synthetic",
            "index": index,
            "replicate": np.repeat([0, 1], [networks, trials - networks]),
            "state": np.where(bad, "diverged", "complete"),
            "reason": None,
            "error": np.where(bad, np.nan, error),
            "train_loss": error,
            "seconds": rng.lognormal(0, 0.2, trials),
            "test_images": 10_000,
            "classes": 10,
            "device": "cpu",
            "dtype": "float32",
            "learning_rate": 1e-3,
            "micro_batch": 128,
            "flops": flops[index].astype(np.int64),
            "params": (flops[index] / 40).astype(np.int64),
            "activations": (flops[index] / 100).astype(np.int64),
            **columns,
        }
    )
    first = np.where(bad, np.inf, error)[:networks]
    return Trials(
        population=population,
        outcomes=first,
        errors=np.where(np.isfinite(first), first, 0.9),
        layers=layers,
        flops=flops,
        params=flops / 40,
    )
