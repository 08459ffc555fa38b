"""What the fast paths for convolution save of a proxy's training step on a CPU.

    OMP_NUM_THREADS=1 python benchmarks/cpu_step.py [--networks 8] [--steps 7]

Writes benchmarks/results/cpu_step.json. The networks are the first of a survey of the shipped space
at 4.5 GFLOPs, with the embedded proxy's channels, resolution and batch. Steps with and without
`dse.proxy.convolution.fast_convolution` alternate on the same network, so that whatever else slows
the machine down slows both; the time is the CPU time of this process, which has one thread.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from contextlib import nullcontext
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from dse.architecture import Architecture
from dse.network import build
from dse.proxy.convolution import fast_convolution
from dse.proxy.device import device_name, pick_dtype, prepare_worker
from dse.proxy.load import load_proxy
from dse.proxy.optimizer import make_optimizer
from dse.proxy.recipe import Proxy
from dse.space import Budget, Sampler, load_space

RESULT = Path(__file__).parent / "results" / "cpu_step.json"
SPACE = Path(__file__).parents[1] / "spaces" / "convnext_space.yaml"
WARM_UP = 2
CPU = torch.device("cpu")


def step_times(architecture: Architecture, proxy: Proxy, steps: int) -> dict[bool, list[float]]:
    """CPU seconds of `steps` training steps of one network, with (True) and without fast paths."""
    torch.manual_seed(0)
    classes, batch = proxy.dataset.classes, proxy.recipe.batch_size
    model = build(architecture.scaled(proxy.channels), in_channels=1, classes=classes)
    model = model.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = make_optimizer(model, proxy.recipe, 2e-3)
    images = torch.randn(batch, 1, proxy.resolution, proxy.resolution)
    images = images.contiguous(memory_format=torch.channels_last)
    labels = torch.randint(classes, (batch,))
    dtype = pick_dtype(CPU)
    times: dict[bool, list[float]] = {True: [], False: []}
    for step in range(WARM_UP + steps):
        for fast in (True, False):
            with fast_convolution(model) if fast else nullcontext():
                begin = time.process_time()
                with torch.autocast("cpu", dtype=dtype, enabled=dtype != torch.float32):
                    logits = model(images)
                loss = F.cross_entropy(logits.float(), labels)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                spent = time.process_time() - begin
            if step >= WARM_UP:
                times[fast].append(spent)
    return times


def measure(networks: int, steps: int) -> dict[str, Any]:
    """Time the first networks of the survey and compare."""
    prepare_worker()
    space, proxy = load_space(SPACE), load_proxy("embedded")
    sampler = Sampler(space=space, budget=Budget.parse("4.5GFLOPs"))
    rows: list[dict[str, Any]] = []
    for sample in sampler.samples(networks):
        times = step_times(sample.architecture, proxy, steps)
        fast, plain = statistics.median(times[True]), statistics.median(times[False])
        rows.append(
            {
                "network": sample.index,
                "hash": sample.architecture.hash,
                "milliseconds_with": round(fast * 1000, 1),
                "milliseconds_without": round(plain * 1000, 1),
                "ratio": round(plain / fast, 2),
            }
        )
    ratios = [row["ratio"] for row in rows]
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "device": device_name(CPU),
        "threads": torch.get_num_threads(),
        "dtype": str(pick_dtype(CPU)).removeprefix("torch."),
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("dse", "torch", "numpy")},
        "space": f"{space.name} ({space.hash})",
        "batch": proxy.recipe.batch_size,
        "resolution": proxy.resolution,
        "channels": proxy.channels,
        "n_networks": networks,
        "n_steps_each": steps,
        "ratio_median": round(statistics.median(ratios), 2),
        "ratio_lowest": min(ratios),
        "ratio_highest": max(ratios),
        "networks": rows,
    }


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=8)
    parser.add_argument("--steps", type=int, default=7)
    arguments = parser.parse_args()
    result = measure(arguments.networks, arguments.steps)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
