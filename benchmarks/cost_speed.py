"""How fast is the closed-form cost, one network at a time and many at once, beside fvcore's count?

    python benchmarks/cost_speed.py

Writes benchmarks/results/cost_speed.json. All three count the same networks, on one thread, and
must agree to the last digit.
"""

from __future__ import annotations

import json
import platform
import statistics
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dse.architecture import Architecture, cost, costs
from dse.network import build
from dse.network.verify import count
from dse.proxy.device import device_name
from dse.space import Budget, Sampler, load_space

HERE = Path(__file__).parent
NETWORKS = 200
COUNTED = 5
BATCH = 100_000
REPEATS = 7


def one_at_a_time(networks: list[Architecture]) -> float:
    """Microseconds a network, the best of some passes over all of them."""
    passes = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        for network in networks:
            cost(network)
        passes.append(time.perf_counter() - begin)
    return 1e6 * statistics.median(passes) / len(networks)


def many_at_once() -> float:
    """Networks a second: random depths, widths, kernel sizes and expansion ratios."""
    rng = np.random.default_rng(0)
    columns: dict[str, Any] = {
        "dims": rng.integers(2, 128, (BATCH, 4)) * 8,
        "depths": rng.integers(1, 19, (BATCH, 4)),
        "kernel_sizes": rng.choice([3, 5, 7, 9], (BATCH, 4)),
        "expansion_ratio": rng.choice(np.arange(1, 6.5, 0.5), BATCH),
    }
    template = Architecture()
    passes = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        found = costs(template, **columns)
        passes.append(time.perf_counter() - begin)
    for n in range(0, BATCH, BATCH // 100):
        alone = cost(
            Architecture(
                dims=tuple(columns["dims"][n].tolist()),
                depths=tuple(columns["depths"][n].tolist()),
                kernel_sizes=tuple(columns["kernel_sizes"][n].tolist()),
                expansion_ratio=float(columns["expansion_ratio"][n]),
            )
        )
        assert (alone.flops, alone.params) == (found.flops[n], found.params[n])
    return BATCH / statistics.median(passes)


def by_fvcore(networks: list[Architecture]) -> float:
    """Seconds a network: build the module, trace it, count it."""
    seconds = []
    for network in networks:
        begin = time.perf_counter()
        counted = count(build(network))
        seconds.append(time.perf_counter() - begin)
        assert counted == cost(network)
    return statistics.median(seconds)


def main() -> None:
    """Measure and write the result."""
    torch.set_num_threads(1)
    space = load_space(HERE.parent / "spaces" / "convnext_space.yaml")
    sampler = Sampler(space=space, budget=Budget.parse("4.5GFLOPs"))
    networks = [sample.architecture for sample in sampler.samples(NETWORKS)]
    one, many, fvcore = one_at_a_time(networks), many_at_once(), by_fvcore(networks[:COUNTED])
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "device": device_name(torch.device("cpu")),
        "threads": 1,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("numpy", "torch", "fvcore")},
        },
        "one_at_a_time": {"microseconds_a_network": round(one, 1), "n": NETWORKS},
        "many_at_once": {"networks_a_second": round(many), "n": BATCH},
        "fvcore_with_build": {"seconds_a_network": round(fvcore, 3), "n": COUNTED},
        "fvcore_over_one_at_a_time": round(fvcore / (one * 1e-6)),
        "passes": REPEATS,
        "statistic": "median",
    }
    (HERE / "results" / "cost_speed.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
