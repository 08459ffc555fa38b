"""How fast the proxy trainer is beside a plain PyTorch loop on the same two cores, or on a GPU.

    python benchmarks/proxy_speed.py [--device auto] [--networks 8] [--epochs N]

On a CPU it writes benchmarks/results/proxy_speed.json. The networks are the first of a survey of
the shipped space at 4.5 GFLOPs, under the embedded proxy on fewer images: epochs of 1,280 images
and then 500 held-out ones, to be done in minutes. Two networks at a time are trained by either
side, one side after the other and in alternating order, so that whatever else the machine does
slows both. Either has two processes of one thread each, as `dse run` has. The plain loop is
DataLoader (in the process itself), autocast, AdamW, eager, channels_last. Wall times start before
the network is built. A step is forward, backward and optimizer; the making of batches, evaluation
and all else is not in it.

On a GPU it writes benchmarks/results/proxy_speed-<device>.json; `gpu_speed.py` says what it does.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import re
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gpu_speed
import torch
import torch.nn.functional as F
from plain_loop import Images, Times, made, share_of_peak, survey
from torch.utils.data import DataLoader

from dse.architecture import Architecture
from dse.proxy.augment import Augmenter
from dse.proxy.datasets import FractalSpec, load_dataset
from dse.proxy.device import device_name, pick_device, pick_dtype, prepare_worker
from dse.proxy.device_data import DeviceData
from dse.proxy.load import load_proxy
from dse.proxy.loop import Run
from dse.proxy.recipe import Proxy
from dse.proxy.trainer import train

RESULT = Path(__file__).parent / "results" / "proxy_speed.json"
CPU = torch.device("cpu")


def ours(architecture: Architecture, proxy: Proxy) -> Times:
    """One training by this trainer, in a process of one thread."""
    prepare_worker()
    data = DeviceData(load_dataset(proxy.dataset, resolution=proxy.resolution), CPU)
    spent = {"take": 0.0, "batch": 0.0}
    first: list[float] = []
    begin, cpu = time.perf_counter(), time.process_time()

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **options: Any) -> Any:
            start = time.perf_counter()
            result = function(*arguments, **options)
            spent[name] += time.perf_counter() - start
            if name == "take":
                first.append(time.perf_counter() - begin)
            return result

        return wrapped

    take, batch = Run.take, Augmenter.batch
    Run.take, Augmenter.batch = timed("take", take), timed("batch", batch)  # type: ignore[method-assign]
    try:
        result = train(made(architecture, proxy), data, proxy, seed=0, device=CPU)
    finally:
        Run.take, Augmenter.batch = take, batch  # type: ignore[method-assign]
    assert result.state == "complete", result.reason
    return {
        "seconds": time.perf_counter() - begin,
        "cpu_seconds": time.process_time() - cpu,
        "step_seconds": spent["take"] - spent["batch"],
        "first_step": first[0],
        "error": result.error or 0.0,
    }


def plain(architecture: Architecture, proxy: Proxy) -> Times:
    """One training by a plain loop with the same recipe, in a process of one thread."""
    prepare_worker()
    stored = load_dataset(proxy.dataset, resolution=proxy.resolution)
    pixels, recipe = stored.train_images, proxy.recipe
    begin, cpu = time.perf_counter(), time.process_time()
    mean, std, used = float(pixels.mean()), float(pixels.std()), proxy.images
    trained = Images(pixels[:used], stored.train_labels[:used], mean, std)
    tested = Images(stored.test_images, stored.test_labels, mean, std)
    loader = DataLoader(trained, recipe.batch_size, shuffle=True, drop_last=True)
    model = made(architecture, proxy).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    rate = float(load_proxy("embedded").recipe.learning_rate)  # type: ignore[arg-type]
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=recipe.weight_decay)
    share = share_of_peak(proxy)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
    dtype = pick_dtype(CPU)
    autocast = torch.autocast("cpu", dtype=dtype, enabled=dtype != torch.float32)
    in_steps, first, error = 0.0, 0.0, 1.0
    for _ in range(proxy.epochs):
        model.train()
        for images, labels in loader:
            start = time.perf_counter()
            images = images.contiguous(memory_format=torch.channels_last)
            optimizer.zero_grad()
            with autocast:
                logits = model(images)
                loss = F.cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            loss.item()
            in_steps += time.perf_counter() - start
            first = first or time.perf_counter() - begin
        model.eval()
        wrong = 0
        with torch.inference_mode(), autocast:
            for images, labels in DataLoader(tested, 250):
                wrong += int((model(images).argmax(1) != labels).sum())
        error = wrong / len(tested)
    return {
        "seconds": time.perf_counter() - begin,
        "cpu_seconds": time.process_time() - cpu,
        "step_seconds": in_steps,
        "first_step": first,
        "error": error,
    }


def measure(networks: int, epochs: int) -> dict[str, Any]:
    """Train the first networks by both sides, two at a time."""
    settings = load_proxy("embedded").model_dump()
    settings["dataset"] |= {"train_per_class": 64, "test_per_class": 25}
    proxy = Proxy.model_validate(settings | {"train_images": None, "epochs": epochs})
    drawn = proxy.dataset
    assert isinstance(drawn, FractalSpec)
    space, samples = survey(networks)
    pairs = [samples[first : first + 2] for first in range(0, networks, 2)]
    context = multiprocessing.get_context("spawn")
    wall: dict[str, list[float]] = {"ours": [], "plain": []}
    rows: dict[str, list[Times]] = {"ours": [], "plain": []}
    load = os.getloadavg()
    with ProcessPoolExecutor(2, context) as two, ProcessPoolExecutor(2, context) as others:
        sides: dict[str, tuple[ProcessPoolExecutor, Callable[..., Times]]] = {
            "ours": (two, ours),
            "plain": (others, plain),
        }
        for number, pair in enumerate([pairs[-1], *pairs]):  # the first time warms up
            order = ["ours", "plain"] if number % 2 else ["plain", "ours"]
            for side in order:
                pool, function = sides[side]
                start = time.perf_counter()
                waiting = [pool.submit(function, network, proxy) for network in pair]
                found = [future.result() for future in waiting]
                if number:
                    wall[side].append(time.perf_counter() - start)
                    rows[side] += found
                print(number, side, [round(row["seconds"], 1) for row in found], flush=True)
    ratios = [b / a for a, b in zip(wall["ours"], wall["plain"], strict=True)]
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "device": device_name(CPU),
        "cores": os.cpu_count(),
        "load_average_before": [round(value, 1) for value in load],
        "dtype": str(pick_dtype(CPU)).removeprefix("torch."),
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("dse", "torch", "numpy")},
        "space": f"{space.name} ({space.hash})",
        "n_networks": networks,
        "epochs": epochs,
        "test_images": drawn.classes * drawn.test_per_class,
        "steps_each": proxy.steps,
        "batch": proxy.recipe.batch_size,
        "plain_wall_over_ours": {
            "median_of_pairs": round(statistics.median(ratios), 2),
            "lowest": round(min(ratios), 2),
            "highest": round(max(ratios), 2),
            "n_pairs": len(ratios),
        },
    } | {side: told(rows[side], wall[side], proxy) for side in rows}


def told(rows: list[Times], wall: list[float], proxy: Proxy) -> dict[str, Any]:
    """One side's numbers; rates are of both cores together, over all networks."""
    images = len(rows) * proxy.steps * proxy.recipe.batch_size
    off = [1 - row["step_seconds"] / row["seconds"] for row in rows]
    return {
        "training_images_a_second": round(images / sum(wall)),
        "networks_an_hour": round(3600 * len(rows) / sum(wall), 1),
        "first_step_seconds_median": round(statistics.median(r["first_step"] for r in rows), 3),
        "share_not_in_steps_median": round(statistics.median(off), 3),
        "cpu_seconds_a_network_median": round(
            statistics.median(row["cpu_seconds"] for row in rows), 2
        ),
        "mean_error": round(statistics.fmean(row["error"] for row in rows), 3),
        "networks": [{name: round(value, 3) for name, value in row.items()} for row in rows],
    }


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--networks", type=int, default=8)
    parser.add_argument("--epochs", type=int, help="1 on a CPU, the proxy's own 4 on a GPU")
    arguments = parser.parse_args()
    device = pick_device() if arguments.device == "auto" else torch.device(arguments.device)
    if device.type == "cpu":
        path, result = RESULT, measure(arguments.networks, arguments.epochs or 1)
    else:
        name = re.sub(r"[^a-z0-9]+", "-", device_name(device).lower()).strip("-")
        path = RESULT.with_stem(f"{RESULT.stem}-{name}")
        result = gpu_speed.measure(device, arguments.networks, arguments.epochs)
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
