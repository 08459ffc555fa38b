"""The GPU half of proxy_speed.py: this trainer beside a plain loop on one device.

The networks are the first of a survey of the shipped space at 4.5 GFLOPs, under the embedded proxy
as it is: 3,000 training images of 32 px, 4 epochs, batches of 64, 2,000 held-out images after each
epoch. The plain loop is what a person writes who knows PyTorch: DataLoader with 4 workers that stay
alive from network to network, pinned memory and copies that do not wait, bfloat16 autocast,
channels_last, AdamW, eager; it reads no loss on its way.

Each side trains all networks with 1, 2 and 4 processes on the device, in two rounds of opposite
order. A process trains one network before the clock runs; the choice of kernels for shapes that
are new to the device is within it. A network's time starts before it is built. A step is forward,
backward and optimizer, by the device's own clock; the share of time not in steps is all else of a
network's time.

The share of a step inside kernels is told of a steady stretch with one process, batches included:
the kernels' own time by torch.profiler, over the wall time of as many steps without the profiler.
"""

from __future__ import annotations

import multiprocessing
import os
import platform
import statistics
import time
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import torch
from gpu_sides import Ours, Plain, wait
from plain_loop import Times, survey
from torch.profiler import ProfilerActivity, profile

from dse.architecture import Architecture
from dse.proxy.datasets import FractalSpec
from dse.proxy.device import device_name, pick_dtype
from dse.proxy.load import load_proxy
from dse.proxy.recipe import Proxy

PROCESSES = (1, 2, 4)
ROUNDS = 2
MOST_SECONDS = 300  # without a result; a process was killed
STEADY, PROFILED, BEFORE = 100, 20, 20  # steps timed, profiled, and taken before both

SIDES: dict[str, Any] = {"ours": Ours, "plain": Plain}


def work(name: str, proxy: Proxy, device: str, networks: Any, start: Any, results: Any) -> None:
    """One process of a crew: a network to warm up, then what is left of `networks`."""
    try:
        side = SIDES[name](proxy, torch.device(device))
        side(networks.get())
        start.wait()
        while (network := networks.get()) is not None:
            results.put((time.time(), side(network), time.time()))
        results.put(None)
    except BaseException as error:
        start.abort()
        results.put(f"{type(error).__name__}: {error}")
        raise


def crew(
    name: str, proxy: Proxy, device: torch.device, networks: list[Architecture], size: int
) -> tuple[float, list[Times]]:
    """Wall seconds in which `size` processes train all networks, and each network's times."""
    context = multiprocessing.get_context("spawn")
    tasks, results, start = context.Queue(), context.Queue(), context.Barrier(size)
    for network in [*networks[:1] * size, *networks, *[None] * size]:
        tasks.put(network)
    arguments = (name, proxy, str(device), tasks, start, results)
    processes = [context.Process(target=work, args=arguments) for _ in range(size)]
    for process in processes:
        process.start()
    found, left = [], size
    while left:
        result = results.get(timeout=MOST_SECONDS)
        assert not isinstance(result, str), result
        left -= result is None
        found += [result] if result else []
    for process in processes:
        process.join()
    wall = max(end for _, _, end in found) - min(begin for begin, _, _ in found)
    return wall, [times for _, times, _ in found]


def steady(name: str, proxy: Proxy, device: torch.device, networks: list[Architecture]) -> Any:
    """Of each network: milliseconds of a step, and which share of it is inside kernels."""
    side, rows = SIDES[name](proxy, device), []
    for network in networks:
        with side.steady(network, BEFORE + STEADY + PROFILED) as step:
            for _ in range(BEFORE):
                step()
            wait(device)
            begin = time.perf_counter()
            for _ in range(STEADY):
                step()
            wait(device)
            seconds = (time.perf_counter() - begin) / STEADY
            with profile(activities=[ProfilerActivity.CUDA]) as seen:
                for _ in range(PROFILED):
                    step()
                wait(device)
        inside = kernel_seconds(seen) / PROFILED
        rows.append({"milliseconds": 1000 * seconds, "share_inside_kernels": inside / seconds})
    return {
        "step_milliseconds_median": round(statistics.median(r["milliseconds"] for r in rows), 3),
        "share_inside_kernels": spread([row["share_inside_kernels"] for row in rows]),
        "networks": [{name: round(value, 3) for name, value in row.items()} for row in rows],
    }


def kernel_seconds(seen: profile) -> float:
    """Of all kernels in a profile; copies, fills and named ranges are none."""
    kernels = [
        event
        for event in seen.events() or []  # type: ignore[no-untyped-call]
        if event.device_type == torch.autograd.DeviceType.CUDA  # type: ignore[attr-defined]
        and not getattr(event, "is_user_annotation", False)
        and not event.name.startswith(("Memcpy", "Memset"))
    ]
    return float(sum(event.time_range.elapsed_us() for event in kernels)) / 1e6


def told(rounds: list[tuple[float, list[Times]]], proxy: Proxy) -> dict[str, Any]:
    """One side's numbers with so many processes; medians and spreads are over networks."""
    rows = [row for _, found in rounds for row in found]
    wall = sum(seconds for seconds, _ in rounds)
    images = len(rows) * proxy.steps * proxy.recipe.batch_size
    return {
        "networks_an_hour": round(3600 * len(rows) / wall),
        "networks_an_hour_by_round": [round(3600 * len(found) / s) for s, found in rounds],
        "training_images_a_second": round(images / wall),
        "seconds_a_network": spread([row["seconds"] for row in rows]),
        "first_step_seconds": spread([row["first_step"] for row in rows]),
        "share_not_in_steps": spread([1 - row["step_seconds"] / row["seconds"] for row in rows]),
        "mean_error": round(statistics.fmean(row["error"] for row in rows), 3),
    }


def spread(values: list[float]) -> dict[str, float]:
    """Median, lowest and highest."""
    found = {"median": statistics.median(values), "lowest": min(values), "highest": max(values)}
    return {name: round(value, 3) for name, value in found.items()} | {"n": len(values)}


def measure(device: torch.device, networks: int, epochs: int | None) -> dict[str, Any]:
    """All that is measured, as it goes into the result file."""
    proxy = load_proxy("embedded")
    proxy = proxy.model_copy(update={"epochs": epochs or proxy.epochs})
    space, architectures = survey(networks)
    drawn = proxy.dataset
    assert isinstance(drawn, FractalSpec)
    load, crews = os.getloadavg(), {}
    for size in PROCESSES:
        rounds: dict[str, list[tuple[float, list[Times]]]] = {name: [] for name in SIDES}
        for number in range(ROUNDS):
            for name in list(SIDES)[:: 1 if number % 2 else -1]:
                rounds[name].append(crew(name, proxy, device, architectures, size))
                print(size, name, round(rounds[name][-1][0], 2), flush=True)
        sides = {name: told(found, proxy) for name, found in rounds.items()}
        ratio = sides["ours"]["networks_an_hour"] / sides["plain"]["networks_an_hour"]
        crews[f"{size}_processes"] = {"ours_over_plain": round(ratio, 2)} | sides
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "device": device_name(device),
        "cpu": device_name(torch.device("cpu")),
        "cores": os.cpu_count(),
        "load_average_before": [round(value, 1) for value in load],
        "dtype": str(pick_dtype(device)).removeprefix("torch."),
        "versions": {"python": platform.python_version(), "cuda": torch.version.cuda}
        | {"cudnn": torch.backends.cudnn.version()}  # type: ignore[no-untyped-call]
        | {name: version(name) for name in ("dse", "torch", "numpy")},
        "space": f"{space.name} ({space.hash})",
        "n_networks": networks,
        "n_rounds": ROUNDS,
        "epochs": proxy.epochs,
        "steps_each": proxy.steps,
        "batch": proxy.recipe.batch_size,
        "resolution": proxy.resolution,
        "test_images": drawn.classes * drawn.test_per_class,
        "steady": {name: steady(name, proxy, device, architectures) for name in SIDES},
    } | crews
