"""A made-up study of 24 networks in the shape that analysis and dashboard see."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

NETWORKS = 24
RANDOM_SUBSET = 6
DIVERGED = (5, 17)
EPOCHS = 10


def architecture(rng: np.random.Generator) -> dict[str, Any]:
    """One architecture as plain values, every choice drawn at random."""
    depths = [int(d) for d in rng.integers(1, 6, 4)]
    depths[2] *= 3
    width = int(rng.integers(6, 17)) * 8
    return {
        "depths": depths,
        "dims": [width, 2 * width, 4 * width, 8 * width],
        "kernel_sizes": [int(k) for k in rng.choice([3, 5, 7, 9], 4)],
        "expansion_ratio": float(rng.choice([2.0, 3.0, 4.0, 6.0])),
        "block_order": str(rng.choice(["spatial_first", "spatial_middle"])),
        "norm_layer": str(rng.choice(["layer_norm", "batch_norm"])),
        "act_layer": str(rng.choice(["gelu", "relu", "silu", "hardswish"])),
        "norms_per_block": int(rng.integers(0, 4)),
        "acts_per_block": int(rng.integers(1, 4)),
        "pointwise": str(rng.choice(["linear", "conv"])),
        "stem": str(rng.choice(["patch", "overlap", "resnet"])),
        "downsampling": str(rng.choice(["separate", "in_block"])),
        "ls_init_value": None if rng.random() < 0.5 else 1e-6,
    }


def flatten(arch: dict[str, Any]) -> dict[str, Any]:
    """The `arch.` columns of one architecture."""
    flat: dict[str, Any] = {}
    for key, value in arch.items():
        if isinstance(value, list):
            flat |= {f"arch.{key}.{i + 1}": item for i, item in enumerate(value)}
        else:
            flat[f"arch.{key}"] = value
    return flat


def make_population(
    networks: int = NETWORKS,
    *,
    seed: int = 0,
    diverged: tuple[int, ...] = DIVERGED,
    study: str = "convnext_space-4.5GFLOPs",
) -> pd.DataFrame:
    """First seeds of all; second seeds of the best quarter and of the first quarter by index."""
    rng = np.random.default_rng(seed)
    rows = [_row(i, study, diverged, rng) for i in range(networks)]
    ended = sorted((r for r in rows if r["state"] == "complete"), key=lambda r: r["error"])
    again = {r["index"] for r in ended[: networks // 4]} | set(range(networks // 4))
    rows += [_second(r, rng) for r in rows if r["index"] in again]
    frame = pd.DataFrame(rows)
    return frame.drop(columns="quality")


def make_curves(population: pd.DataFrame, epochs: int = EPOCHS) -> pd.DataFrame:
    """Learning curves that end at the population's errors; a diverged one stops half-way."""
    rows = []
    for trial in population.to_dict("records"):
        complete = trial["state"] == "complete"
        final = trial["error"] if complete else 0.9
        for epoch in range(1, (epochs if complete else epochs // 2) + 1):
            left = (1 - epoch / epochs) ** 2
            rows.append(
                {
                    "index": trial["index"],
                    "replicate": trial["replicate"],
                    "epoch": epoch,
                    "step": 45 * epoch,
                    "train_loss": 1.2 + 2 * left,
                    "error": final + (0.95 - final) * left,
                }
            )
    return pd.DataFrame(rows)


def _row(
    index: int, study: str, diverged: tuple[int, ...], rng: np.random.Generator
) -> dict[str, Any]:
    arch = architecture(rng)
    quality = 0.50 - 0.015 * (arch["kernel_sizes"][2] - 6) + 0.04 * rng.standard_normal()
    quality += 0.05 * (arch["norm_layer"] == "layer_norm")
    bad = index in diverged
    return {
        "study": study,
        "index": index,
        "replicate": 0,
        "state": "diverged" if bad else "complete",
        "reason": "the loss became NaN at step 120" if bad else None,
        "quality": quality,
        "error": np.nan if bad else _measure(quality, rng),
        "train_loss": np.nan if bad else 1.2,
        "seconds": 22.0 + rng.random(),
        "test_images": 2000,
        "classes": 20,
        "device": None if bad else "cpu",
        "dtype": None if bad else "bfloat16",
        "flops": int(4.5e9 * (1 + 0.01 * rng.uniform(-1, 1))),
        "params": int(28e6 * np.exp(0.3 * rng.standard_normal())),
        "activations": int(13e6 * np.exp(0.3 * rng.standard_normal())),
        "architecture": arch,
        **flatten(arch),
    }


def _second(row: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    error = _measure(row["quality"], rng) if row["state"] == "complete" else np.nan
    return {**row, "replicate": 1, "error": error}


def _measure(quality: float, rng: np.random.Generator) -> float:
    return round((quality + 0.01 * float(rng.standard_normal())) * 2000) / 2000
