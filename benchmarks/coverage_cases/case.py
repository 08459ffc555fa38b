"""One question about coverage, and the complete space that knows the answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Space:
    """A complete space, every network of it trained with three seeds.

    `layers` (networks, 8) are the choices 0, 1 or 2; `errors` (networks, 3) fractions.
    """

    layers: IntArray
    errors: FloatArray
    flops: FloatArray
    params: FloatArray


@dataclass(frozen=True, kw_only=True)
class Sample:
    """n networks drawn from `space` independently, with replacement, one training of each.

    `rows` (n,) are their places in the space, `errors` (n,) those of one seed each, itself drawn
    at random. `rng` is for what the estimator draws: its own stream in every case and resample.
    """

    rows: IntArray
    errors: FloatArray
    layers: IntArray
    flops: FloatArray
    params: FloatArray
    rng: np.random.Generator
    space: Space


@dataclass(frozen=True, kw_only=True)
class Case:
    """An interval, a simultaneous band or a test, and what the complete space says of it.

    `truth` is asked once, of the space, and unused by tests. `covers` says of one sample whether
    the interval or band holds that truth; of a test, whether it rejects (a true null). A discrete
    test has few p-values, of which none need be near 5 %, and may reject more rarely.
    """

    name: str
    kind: Literal["interval", "band", "test", "discrete test", "bound"]
    truth: Callable[[Space], Any]
    covers: Callable[[Sample, Any], bool]
    sizes: tuple[int, ...] = (50, 100, 500)


def load_space(path: Path) -> Space:
    """The space in a file of NAS-Bench-Macro (Su et al. 2021), networks by their keys."""
    found = json.loads(path.read_text(encoding="utf-8"))
    networks = [found[key] for key in sorted(found)]
    return Space(
        layers=np.array([[int(choice) for choice in key] for key in sorted(found)]),
        errors=1 - np.array([network["test_acc"] for network in networks]) / 100,
        flops=np.array([network["flops"] for network in networks], dtype=np.float64),
        params=np.array([network["params"] for network in networks], dtype=np.float64),
    )


def draw(space: Space, n: int, rng: np.random.Generator) -> Sample:
    """A sample of `n` networks; `rng` draws it and is then its own."""
    return sample_of(space, rng.integers(len(space.errors), size=n), rng)


def sample_of(space: Space, rows: IntArray, rng: np.random.Generator) -> Sample:
    """The networks at `rows` (n,), with one seed each drawn by `rng`, which is then its own."""
    return Sample(
        rows=rows,
        errors=space.errors[rows, rng.integers(space.errors.shape[1], size=len(rows))],
        layers=space.layers[rows],
        flops=space.flops[rows],
        params=space.params[rows],
        rng=rng,
        space=space,
    )
