"""Do zero-cost scores order networks better than their FLOPs or parameters do?

    python benchmarks/zero_cost.py [--models 32] [--seed 0]

Writes benchmarks/results/zero_cost.json. Samples networks of the shipped space at 4.5 GFLOPs,
trains each under the embedded proxy with one thread, and scores the weights that each training
starts from. For every score: Kendall's tau-b between the score and the accuracy, with its bootstrap
interval over networks, and by how much it is above those of the two baselines in the same run, with
a paired bootstrap interval.
"""

from __future__ import annotations

import argparse
import json
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

import dse
from dse.analysis.agreement import Statistic, bootstrap, kendall_tau
from dse.analysis.estimate import Estimate, FloatArray
from dse.architecture import Architecture
from dse.network import build
from dse.network.measure.scores import BASELINES, SCORE_NAMES, score_networks
from dse.proxy.datasets import load_dataset
from dse.proxy.device import device_name, pick_dtype, prepare_worker
from dse.proxy.device_data import DeviceData
from dse.proxy.load import load_proxy
from dse.proxy.recipe import Proxy
from dse.proxy.trainer import train
from dse.space import Budget, Sampler, load_space

RESULT = Path(__file__).parent / "results" / "zero_cost.json"
SPACE = Path(__file__).parents[1] / "spaces" / "convnext_space.yaml"
CPU = torch.device("cpu")


def errors_of(networks: list[Architecture], proxy: Proxy, seed: int) -> FloatArray:
    """Final-epoch errors (n,), infinite where a training did not end well."""
    data = DeviceData(load_dataset(proxy.dataset, resolution=proxy.resolution), CPU)
    found = []
    for number, network in enumerate(networks):
        torch.manual_seed(seed)
        scaled = network.scaled(proxy.channels)
        model = build(scaled, in_channels=data.channels, classes=data.classes)
        result = train(model, data, proxy, seed=seed, device=CPU)
        found.append(np.inf if result.error is None else result.error)
        print(f"network {number}: {result.state}, error {result.error}", flush=True)
    return np.asarray(found)


def above(one: Statistic, other: Statistic) -> Statistic:
    """By how much one statistic is above another in the same sample."""
    return lambda weights: one(weights) - other(weights)


def compare(scores: dict[str, FloatArray], errors: FloatArray) -> dict[str, Any]:
    """Tau of each score with the accuracy, and its lead over each baseline."""
    taus = {name: kendall_tau(values, -errors) for name, values in scores.items()}
    table: dict[str, Any] = {}
    for name, tau in taus.items():
        table[name] = {"tau_b": _plain(bootstrap(tau, len(errors)))}
        for base in (base for base in BASELINES if base != name):
            lead = bootstrap(above(tau, taus[base]), len(errors))
            table[name][f"above_{base}"] = _plain(lead)
    return table


def _plain(found: Estimate | None) -> list[float] | None:
    if found is None:
        return None
    return [round(value, 3) for value in (found.value, found.lower, found.upper)]


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    prepare_worker()
    proxy, budget = load_proxy("embedded"), Budget.parse("4.5GFLOPs")
    sampler = Sampler(space=load_space(SPACE), budget=budget, seed=arguments.seed)
    networks = [sample.architecture for sample in sampler.samples(arguments.models)]
    rows = score_networks(networks, proxy=proxy, device=CPU, seed=arguments.seed)
    scores = {
        name: np.array([row[place].value for row in rows]) for place, name in enumerate(SCORE_NAMES)
    }
    errors = errors_of(networks, proxy, arguments.seed)
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "device": device_name(CPU),
        "threads": torch.get_num_threads(),
        "dtype": str(pick_dtype(CPU, proxy.recipe.precision)).removeprefix("torch."),
        "versions": {
            "dse": dse.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "space": SPACE.name,
        "budget": str(budget),
        "proxy": "embedded",
        "seed": arguments.seed,
        "n_networks": len(networks),
        "ended_badly": int(np.isinf(errors).sum()),
        "error_quantiles_0_25_50_75_100": [
            round(float(e), 4)
            for e in np.quantile(errors[np.isfinite(errors)], (0, 0.25, 0.5, 0.75, 1))
        ],
        "value_low_high": compare(scores, errors),
        "networks": [
            {
                "error": float(error) if np.isfinite(error) else None,
                **{name: float(scores[name][k]) for name in SCORE_NAMES},
            }
            for k, error in enumerate(errors)
        ],
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps({key: result[key] for key in result if key != "networks"}, indent=2))


if __name__ == "__main__":
    main()
