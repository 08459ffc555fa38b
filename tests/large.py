"""Made-up studies of many networks, made column by column: 100,000 in a second or two."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

STAGES = 4
IMAGES = 2000
SHARE = 0.25
CHOICES: dict[str, tuple[Any, ...]] = {
    "expansion_ratio": (2.0, 3.0, 4.0, 6.0),
    "block_order": ("spatial_first", "spatial_middle"),
    "norm_layer": ("layer_norm", "batch_norm"),
    "act_layer": ("gelu", "relu", "silu", "hardswish"),
    "norms_per_block": (0, 1, 2, 3),
    "acts_per_block": (1, 2, 3),
    "pointwise": ("linear", "conv"),
    "stem": ("patch", "overlap", "resnet"),
    "downsampling": ("separate", "in_block"),
    "ls_init_value": (None, 1e-6),
}


def make_large(
    networks: int, *, seed: int = 0, study: str = "large", better: float = 0.0, bad: float = 0.02
) -> pd.DataFrame:
    """As `tests.population.make_population`, with other networks; `bad` of them diverged.

    A quarter by index and the best quarter have a second seed. Errors are `better` than usual.
    """
    rng = np.random.default_rng(seed)
    flat = _choices(networks, rng)
    quality = 0.5 - better - 0.015 * (flat["arch.kernel_sizes.3"] - 6)
    quality += 0.04 * rng.standard_normal(networks)
    quality += 0.05 * (flat["arch.norm_layer"] == "layer_norm")
    size = rng.standard_normal((3, networks))
    first = pd.DataFrame({"study": study, "index": np.arange(networks), "replicate": 0})
    first["state"] = np.where(rng.random(networks) < bad, "diverged", "complete")
    well = first["state"] == "complete"
    first["reason"] = pd.Series(np.where(well, None, "the loss became NaN"), dtype=object)
    first["quality"] = np.clip(quality + 0.01 * size[1], 0.05, 0.97)
    first["error"] = _measured(first, rng)
    first["train_loss"] = np.where(first["error"].isna(), np.nan, 1.2)
    first["seconds"] = 22 + rng.random(networks)
    first["test_images"], first["classes"] = IMAGES, 20
    first["device"], first["dtype"] = "cpu", "bfloat16"
    first["flops"] = (4.5e9 * (1 + 0.01 * rng.uniform(-1, 1, networks))).astype(np.int64)
    first["params"] = (28e6 * np.exp(0.3 * size[1])).astype(np.int64)
    first["activations"] = (13e6 * np.exp(0.3 * size[2])).astype(np.int64)
    first["architecture"] = _architectures(flat)
    first = pd.concat([first, flat], axis=1)
    best = first["error"].rank(method="first") <= SHARE * networks
    second = first[best | (first["index"] < SHARE * networks)].assign(replicate=1)
    second["error"] = _measured(second, rng)
    whole = pd.concat([first, second], ignore_index=True)
    return whole.sort_values(["index", "replicate"], ignore_index=True).drop(columns="quality")


def make_large_curves(population: pd.DataFrame, epochs: int = 10) -> pd.DataFrame:
    """Learning curves that end at the population's errors; a diverged one stops half-way."""
    whole = (population["state"] == "complete").to_numpy()
    rows = population.loc[population.index.repeat(np.where(whole, epochs, epochs // 2))]
    epoch = rows.groupby(["index", "replicate"]).cumcount().to_numpy() + 1
    left = (1 - epoch / epochs) ** 2
    final = rows["error"].fillna(0.9).to_numpy()
    return pd.DataFrame(
        {
            "index": rows["index"].to_numpy(),
            "replicate": rows["replicate"].to_numpy(),
            "epoch": epoch,
            "step": 45 * epoch,
            "train_loss": 1.2 + 2 * left,
            "error": final + (0.95 - final) * left,
        }
    )


def make_measurements(population: pd.DataFrame, *, most: int = 400) -> pd.DataFrame:
    """Latency, throughput and memory of some networks under two conditions, and a score."""
    rng = np.random.default_rng(1)
    rows = population[population["replicate"] == 0].head(most)
    frames = []
    for device, dtype, speed in (("NVIDIA H100", "bfloat16", 1.0), ("cpu", "float32", 0.02)):
        seconds = (
            rows["activations"].to_numpy()
            / 1e10
            / speed
            * np.exp(0.1 * rng.standard_normal(len(rows)))
        )
        where = {"index": rows["index"].to_numpy(), "device": device, "dtype": dtype}
        where |= {"layout": "channels_last", "resolution": 224}
        for name, value, unit, batch in (
            ("latency", seconds, "s", 1),
            ("throughput_inference", 40 / seconds, "images/s", 64),
            ("memory_training", rows["activations"].to_numpy() * 640.0, "B", 64),
        ):
            spread = np.nan if unit == "B" else 0.03 * value
            ends = {"low": value - spread, "high": value + spread}
            frames.append(
                pd.DataFrame(
                    {
                        **where,
                        "name": name,
                        "value": value,
                        **ends,
                        "n": 1 if unit == "B" else 11,
                        "unit": unit,
                        "batch": batch,
                    }
                )
            )
    return pd.concat(frames, ignore_index=True)


def make_landings(population: pd.DataFrame, *, start: str = "2026-03-01 22:15") -> pd.DataFrame:
    """When each training ended, on four workers which all rest for a while in the middle."""
    landings = population[["index", "replicate", "state", "seconds"]].sort_values(
        ["replicate", "index"], ignore_index=True
    )
    after = np.cumsum(landings["seconds"].to_numpy()) / 4
    after[len(after) // 2 :] += 0.2 * after[-1]
    finished = pd.Timestamp(start, tz="UTC") + pd.to_timedelta(after, unit="s")
    return landings.assign(finished=finished)


def _choices(networks: int, rng: np.random.Generator) -> pd.DataFrame:
    depths = rng.integers(1, 6, (STAGES, networks))
    depths[2] *= 3
    width = rng.integers(6, 17, networks) * 8
    kernels = rng.choice([3, 5, 7, 9], (STAGES, networks))
    columns: dict[str, Any] = {f"depths.{s + 1}": depths[s] for s in range(STAGES)}
    columns |= {f"dims.{s + 1}": width * 2**s for s in range(STAGES)}
    columns |= {f"kernel_sizes.{s + 1}": kernels[s] for s in range(STAGES)}
    for name, values in CHOICES.items():
        kind = object if None in values else None
        columns[name] = np.array(values, dtype=kind)[rng.integers(0, len(values), networks)]
    return pd.DataFrame(columns).add_prefix("arch.")


def _architectures(flat: pd.DataFrame) -> list[dict[str, Any]]:
    columns = {}
    for key in ("depths", "dims", "kernel_sizes"):
        stages = [f"arch.{key}.{stage + 1}" for stage in range(STAGES)]
        columns[key] = flat[stages].to_numpy().tolist()
    columns |= {name: flat[f"arch.{name}"].tolist() for name in CHOICES}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _measured(rows: pd.DataFrame, rng: np.random.Generator) -> pd.Series:
    noisy = rows["quality"] + 0.01 * rng.standard_normal(len(rows))
    errors = (noisy.clip(0, 1) * IMAGES).round() / IMAGES
    return errors.where(rows["state"] == "complete")
