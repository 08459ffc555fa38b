"""The pairs, designs and draws of `which_space.py`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from dse.analysis.efficient.control import Measured, adjusted_contrast, overlap_weights
from dse.analysis.efficient.features import paper_features

DATA = Path(__file__).parents[2] / "shared" / "data" / "nas-bench-macro_cifar10.json"
LEVEL, TEST_IMAGES = 0.05, 10_000


@dataclass(frozen=True)
class Space:
    """The complete space: `layers` (N, 8), `logs` (N, 3) of the errors, `flops`, `x` (N, p)."""

    layers: np.ndarray
    logs: np.ndarray
    flops: np.ndarray
    x: np.ndarray


@dataclass(frozen=True)
class Pair:
    """Two parts of the space, as masks."""

    name: str
    a: np.ndarray
    b: np.ndarray


def load() -> Space:
    """The space with its features, made as for any population."""
    with DATA.open(encoding="utf-8") as file:
        data = json.load(file)
    layers = np.array([[int(choice) for choice in key] for key in data])
    table = pd.DataFrame(
        {c: [network[c] for network in data.values()] for c in ("flops", "params")}
    )
    for number, column in enumerate(layers.T, start=1):
        table[f"arch.layers.{number}"] = np.array(["identity", "kernel 3", "kernel 5"])[column]
    errors = 1 - np.array([network["test_acc"] for network in data.values()]) / 100
    return Space(
        layers=layers,
        logs=np.log(errors),
        flops=table["flops"].to_numpy(),
        x=paper_features([table]).values[0],
    )


def pairs(space: Space) -> list[Pair]:
    """By rule: layers, neighbours, ends, numbers of identities, FLOPs fifths, and within one."""
    x, every = space.layers, np.ones(len(space.layers), dtype=bool)
    fifth = stats.rankdata(space.flops, method="ordinal") * 5 // (len(x) + 1)
    identities = (x == 0).sum(axis=1)
    found = []
    for k in range(8):
        found.append(Pair(f"all / no identity in layer {k + 1}", every, x[:, k] != 0))
    for k in range(8):
        found.append(
            Pair(f"no kernel 5 / no kernel 3 in layer {k + 1}", x[:, k] != 2, x[:, k] != 1)
        )
    for k in (0, 2, 4, 6):
        name = f"no identity in layer {k + 1} / in layer {k + 2}"
        found.append(Pair(name, x[:, k] != 0, x[:, k + 1] != 0))
    for k in (2, 3):
        last, first = (x[:, -k:] != 0).all(axis=1), (x[:, :k] != 0).all(axis=1)
        found.append(Pair(f"all / no identity in the last {k} layers", every, last))
        found.append(Pair(f"all / no identity in the first {k} layers", every, first))
        found.append(Pair(f"no identity in the first {k} / last {k} layers", first, last))
    for m in (1, 2, 3):
        found.append(Pair(f"{m} / {m + 1} identities", identities == m, identities == m + 1))
    for q in (1, 2, 3):
        found.append(Pair(f"FLOPs fifth {q + 1} / {q + 2}", fifth == q, fifth == q + 1))
    for k in (0, 3, 7):
        name = f"FLOPs fifth 3: all / no identity in layer {k + 1}"
        found.append(Pair(name, fifth == 2, (fifth == 2) & (x[:, k] != 0)))
    return found


@dataclass(frozen=True)
class Design:
    """Draws from `strata` (rows of the space), `shares` (of all networks drawn) and the decision.

    `decide` takes the log errors of each stratum and its rows and returns p and the estimate.
    """

    strata: list[np.ndarray]
    shares: np.ndarray
    decide: Callable[[list[np.ndarray], list[np.ndarray]], tuple[float, float]]

    def counts(self, n: int) -> list[int]:
        """How many of n networks each stratum is given: its share, at least two."""
        ends = np.rint(np.cumsum(self.shares) * n).astype(int)
        return [max(2, int(c)) for c in np.diff(ends, prepend=0)]


def adjusted_design(space: Space, strata: list[np.ndarray], weights: np.ndarray) -> Design:
    """Strata drawn in proportion to their weights, and the tool's contrast of them."""
    means = [space.x[rows].mean(axis=0) for rows in strata]

    def decide(logs: list[np.ndarray], rows: list[np.ndarray]) -> tuple[float, float]:
        measured = [
            Measured(features=space.x[r], outcomes=y, space_means=m)
            for r, y, m in zip(rows, logs, means, strict=True)
        ]
        found = adjusted_contrast(measured, list(weights))
        return found.p_value, found.difference.value

    return Design(strata, np.abs(weights) / np.abs(weights).sum(), decide)


def parts_design(space: Space, pair: Pair) -> Design:
    """The tool's design: what only one space has, and what both have, drawn apart."""
    only_a, only_b, both = pair.a & ~pair.b, pair.b & ~pair.a, pair.a & pair.b
    weights = np.array(overlap_weights(only_a.sum() / pair.a.sum(), only_b.sum() / pair.b.sum()))
    used = np.abs(weights) > 1e-12
    masks = [mask for mask, use in zip((only_a, only_b, both), used, strict=True) if use]
    return adjusted_design(space, [np.flatnonzero(mask) for mask in masks], weights[used])


@dataclass(frozen=True)
class Draws:
    """Rows and log errors of many resamples, the first columns of which are a smaller sample."""

    rows: list[np.ndarray]
    logs: list[np.ndarray]

    @classmethod
    def of(
        cls,
        logs: np.ndarray,
        strata: list[np.ndarray],
        counts: list[int],
        resamples: int,
        seed: int,
    ) -> Draws:
        """`resamples` independent samples with replacement, one seed each."""
        rng = np.random.default_rng(seed)
        rows = [rng.choice(s, (resamples, n)) for s, n in zip(strata, counts, strict=True)]
        return cls(rows, [logs[r, rng.integers(0, 3, r.shape)] for r in rows])

    def outcome(self, design: Design, n: int) -> np.ndarray:
        """p and estimate (resamples, 2) of the first n networks of each resample."""
        counts = design.counts(n)
        return np.array(
            [
                design.decide(
                    [logs[i, :c] for logs, c in zip(self.logs, counts, strict=True)],
                    [rows[i, :c] for rows, c in zip(self.rows, counts, strict=True)],
                )
                for i in range(len(self.rows[0]))
            ]
        )


@cache
def ks_critical(n: int) -> float:
    """The least D of two samples of n that is rejected at the level, times n; exact p."""
    grid = np.arange(n, dtype=float)
    low, high = 1, n
    while low < high:
        k = (low + high) // 2
        if stats.ks_2samp(grid, grid + k - 0.5, method="exact").pvalue <= LEVEL:
            high = k
        else:
            low = k + 1
    return low


def ks(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Which rows of log errors `a` and `b` (resamples, n) the KS test tells apart; vectorised."""
    n = a.shape[1]
    images = np.rint(TEST_IMAGES * np.exp(np.concatenate([a, b], axis=1)))
    codes = 2 * images.astype(np.int32)
    codes[:, n:] += 1
    codes.sort(axis=1)
    gap = np.cumsum(np.where(codes & 1, -1, 1), axis=1)
    last = np.diff(codes >> 1, axis=1, append=-1) != 0  # of equal errors
    return np.asarray(np.where(last, np.abs(gap), 0).max(axis=1) >= ks_critical(n))


def welch(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The same by Welch's t."""
    return np.asarray(stats.ttest_ind(a, b, axis=1, equal_var=False).pvalue) < LEVEL


def shifted(space: Space, pair: Pair) -> np.ndarray:
    """Log errors whose mean is the same over both spaces: those in one only are moved."""
    logs = space.logs.copy()
    only = pair.a & ~pair.b
    if only.any():
        logs[only] -= (logs[pair.a].mean() - logs[pair.b].mean()) * pair.a.sum() / only.sum()
    else:
        only = pair.b & ~pair.a
        logs[only] -= (logs[pair.b].mean() - logs[pair.a].mean()) * pair.b.sum() / only.sum()
    assert abs(logs[pair.a].mean() - logs[pair.b].mean()) < 1e-12
    return logs
