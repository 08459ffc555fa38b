"""How well two seeds of a network agree on the learning rate that a range test gives.

    python benchmarks/range_test.py [--networks 8]

Writes benchmarks/results/range_test.json. The networks are the first of a survey of the shipped
space at 4.5 GFLOPs, under the embedded proxy; each is swept from two seeds (weights, order). Two
rules read the same sweeps: the lowest smoothed loss, which the engine uses, and its steepest
descent over the logarithm of the rate.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dse.network import build
from dse.proxy import rates
from dse.proxy.convolution import fast_convolution
from dse.proxy.datasets import load_dataset
from dse.proxy.device import device_name, pick_dtype, prepare_worker
from dse.proxy.device_data import DeviceData
from dse.proxy.load import load_proxy
from dse.proxy.recipe import Proxy
from dse.proxy.task import Task
from dse.space import Budget, Sampler, load_space

RESULT = Path(__file__).parent / "results" / "range_test.json"
SPACE = Path(__file__).parents[1] / "spaces" / "convnext_space.yaml"
CPU = torch.device("cpu")
SEEDS = 2


def steepest(swept: Any, losses: Any) -> float:
    """The rate of the steepest descent, smoothed as the engine smooths."""
    width = rates.SMOOTHED
    smooth = np.convolve(losses, np.full(width, 1 / width), mode="valid")
    places = swept[width // 2 :][: len(smooth)]
    return float(places[np.gradient(smooth, np.log(places)).argmin()])


def measure(networks: int) -> dict[str, Any]:
    """Sweep every network from every seed."""
    prepare_worker()
    plain = load_proxy("embedded").model_dump()
    plain["recipe"]["learning_rate"] = {"range_test": {}}
    proxy = Proxy.model_validate(plain)
    data = DeviceData(load_dataset(proxy.dataset, resolution=proxy.resolution), CPU)
    space = load_space(SPACE)
    curves: list[tuple[Any, Any]] = []
    real = rates.lowest

    def spy(swept: Any, losses: Any) -> float:
        curves.append((swept, losses))
        return real(swept, losses)

    rates.lowest = spy  # type: ignore[assignment]
    rows: list[dict[str, Any]] = []
    for sample in Sampler(space=space, budget=Budget.parse("4.5GFLOPs")).samples(networks):
        found: dict[str, list[float]] = {"lowest": [], "steepest": []}
        for seed in range(SEEDS):
            torch.manual_seed(seed)
            scaled = sample.architecture.scaled(proxy.channels)
            model = build(scaled, in_channels=1, classes=data.classes)
            task = Task(
                data=data, proxy=proxy, seed=seed, device=CPU, dtype=pick_dtype(CPU), parts=1
            )
            with fast_convolution(model):
                rates.find_rate(model, task, rates.snapshot(model), None)
            found["lowest"].append(real(*curves[-1]))
            found["steepest"].append(steepest(*curves[-1]))
        print(sample.index, found, flush=True)
        rows.append({"network": sample.index, "norm": sample.architecture.norm_layer, **found})
    result: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "device": device_name(CPU),
        "dtype": str(pick_dtype(CPU)).removeprefix("torch."),
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("dse", "torch", "numpy")},
        "space": f"{space.name} ({space.hash})",
        "n_networks": networks,
        "seeds": SEEDS,
    }
    for rule in ("lowest", "steepest"):
        factors = [max(row[rule]) / min(row[rule]) for row in rows]
        result[f"factor_between_seeds_{rule}"] = {
            "median": round(statistics.median(factors), 2),
            "largest": round(max(factors), 2),
        }
    return result | {"networks": rows}


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=8)
    result = measure(parser.parse_args().networks)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
