"""The verb that measures networks on this machine, and computes zero-cost scores of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from dse.cli.options import JSON, RESOLUTION, SEED
from dse.cli.show import show
from dse.errors import UserError
from dse.units import format_count, format_quantity

if TYPE_CHECKING:
    import torch

    from dse.architecture.spec import Architecture
    from dse.network.measure import Measurement, Setting

    Row = tuple[str, Measurement]

CONVENTION = (
    "median, 95 % interval of it by interpolated order statistics, n runs; memory is counted once. "
    "Inference keeps its weights in dtype, training runs under autocast with AdamW."
)
CAVEAT = (
    "Higher is held to be better; often no better than FLOPs or parameters, whose logarithms stand "
    "beside them. Columns to look at, no filters."
)


@click.command()
@click.argument("targets", nargs=-1, metavar="[NAME|FILE...]")
@click.option("--store", default=None, help="Measure all networks of a study there, and keep it.")
@click.option("--study", metavar="NAME", help="Which study of the store, if it has several.")
@click.option(
    "--what",
    default="latency,throughput,memory",
    show_default=True,
    help="Any of latency, throughput[_inference|_training], memory[_inference|_training], scores.",
)
@click.option("--device", default=None, help="cpu, cuda or cuda:1; the GPU if there is one.")
@click.option(
    "--batch",
    default=None,
    type=click.IntRange(1),
    help="Images at once; else 1 for latency and memory_inference, and for the others 8 on a CPU "
    "and 64 on a GPU.",
)
@RESOLUTION
@click.option(
    "--precision",
    default="float32",
    show_default=True,
    type=click.Choice(["float32", "bfloat16", "auto"]),
    help="auto: bfloat16 where the hardware multiplies it.",
)
@click.option(
    "--layout",
    default="channels_last",
    show_default=True,
    type=click.Choice(["channels_last", "channels_first"]),
)
@click.option("--threads", default=None, type=click.IntRange(1), help="Of a CPU; one a core.")
@click.option("--runs", default=15, show_default=True, type=click.IntRange(6, 10_000))
@click.option("--proxy", default="embedded", show_default=True, help="Of scores: preset or file.")
@SEED
@JSON
def measure(
    targets: Sequence[str],
    store: str | None,
    study: str | None,
    what: str,
    device: str | None,
    precision: Any,
    threads: int | None,
    runs: int,
    proxy: str,
    seed: int,
    as_json: bool,
    **conditions: Any,
) -> None:
    """Measured latency, throughput and memory of named or described networks, with their spread.

    Zero-cost scores (--what scores) are of the networks as --proxy would train them from --seed;
    with --store, of its networks under its proxy and seed.
    """
    from dse.architecture.catalog import find_architecture
    from dse.network.measure import Setting
    from dse.proxy.device import pick_dtype, usable_cores

    if bool(targets) == (store is not None):
        raise UserError("name networks, or a --store whose networks are measured and kept")
    timed, scored = names_in(what)
    networks = {name: find_architecture(name) for name in targets}
    place = find_device(device)
    setting = Setting(
        device=place,
        dtype=pick_dtype(place, precision),
        threads=(threads or usable_cores()) if place.type == "cpu" else None,
        **conditions,
    )
    if store is not None:
        _measure_study(store, study, timed, scored, setting, runs)
        return
    tables = []
    if timed:
        rows = _measured(networks, timed, setting, runs)
        tables.append((rows, f"Measured at {setting.resolution} px", CONVENTION))
    if scored:
        rows = _scored(networks, proxy, setting, seed)
        tables.append((rows, f"Zero-cost scores under the proxy {proxy}, seed {seed}", CAVEAT))
    for rows, title, caption in tables:
        shown = [{"network": name, **dataclasses.asdict(found)} for name, found in rows]
        if not as_json:
            title = f"{title} on {_where(rows[0][1])}"
            shown = [_in_words(row) for row in shown]
        show(shown, as_json, title=title, caption=caption)


def _measure_study(
    store: str, study: str | None, timed: Sequence[str], scored: bool, setting: Setting, runs: int
) -> None:
    from rich.console import Console

    from dse.store.store import Store
    from dse.study.measuring import measure_study, score_study

    with (
        Store.open(store, study=study) as opened,
        Console(stderr=True).status("measuring") as status,
    ):

        def report(done: int, networks: int) -> None:
            status.update(f"{done} of {networks} networks are measured")

        name = opened.trainable_study().name
        if timed:
            n = measure_study(opened, timed, setting, runs=runs, report=report)
            click.echo(f"{name}: {n} networks measured: {', '.join(timed)}")
        if scored:
            n = score_study(opened, setting, report=report)
            click.echo(f"{name}: zero-cost scores of {n} networks")


def names_in(what: str) -> tuple[list[str], bool]:
    """What `--what` asks to measure, in order, and whether it asks for scores.

    Raises:
        UserError: a name is none.
    """
    from dse.network.measure.measurement import NAMES

    found: set[str] = set()
    for part in (part.strip() for part in what.split(",")):
        meant = {name for name in NAMES if part == name or name.startswith(f"{part}_")}
        if not meant and part != "scores":
            raise UserError(
                f"--what {part!r}: write latency, throughput, memory or scores, separated by "
                f"commas, or one of {', '.join(NAMES)}."
            )
        found |= meant or {part}
    return [name for name in NAMES if name in found], "scores" in found


def find_device(text: str | None) -> torch.device:
    """The device that is asked for, or the best there is.

    Raises:
        UserError: there is no such device here.
    """
    import torch

    from dse.proxy.device import pick_device

    if text is None:
        return pick_device()
    try:
        device = torch.device(text)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise UserError(f"--device {text!r}: write cpu, cuda or cuda:1.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UserError(f"--device {text!r}: this machine has {torch.cuda.device_count()} GPUs.")
    return device


def _measured(
    networks: Mapping[str, Architecture], what: Sequence[str], setting: Setting, runs: int
) -> list[Row]:
    from rich.console import Console

    from dse.network.measure import measure_networks
    from dse.network.measure.networks import ROUNDS

    names = list(networks)
    with Console(stderr=True).status("measuring") as status:
        found = measure_networks(
            list(networks.values()),
            what=what,
            setting=setting,
            runs=runs,
            report=lambda k, n: status.update(f"measuring {names[k]}: round {n} of {ROUNDS}"),
        )
    return _rows(names, found)


def _scored(
    networks: Mapping[str, Architecture], proxy: str, setting: Setting, seed: int
) -> list[Row]:
    from rich.console import Console

    from dse.network.measure.scores import score_networks
    from dse.proxy.load import load_proxy

    names = list(networks)
    with Console(stderr=True).status("scoring") as status, setting.applied():
        found = score_networks(
            list(networks.values()),
            proxy=load_proxy(proxy),
            device=setting.device,
            seed=seed,
            report=lambda place: status.update(f"scoring {names[place]}"),
        )
    return _rows(names, found)


def _rows(names: Sequence[str], found: Sequence[Sequence[Measurement]]) -> list[Row]:
    return [(name, one) for name, several in zip(names, found, strict=True) for one in several]


def _where(found: Measurement) -> str:
    threads = "" if found.threads is None else f", threads: {found.threads}"
    return f"{found.device}{threads}; {found.layout}"


def _in_words(row: Mapping[str, Any]) -> dict[str, Any]:
    amount = {end: _amount(row[end], row["unit"]) for end in ("value", "low", "high")}
    return {
        "network": row["network"],
        "what": row["name"],
        "value": amount["value"],
        "95 % interval": f"{amount['low']} to {amount['high']}" if row["low"] else "–",
        "n": row["n"],
        "batch": row["batch"],
        "dtype": row["dtype"],
    }


def _amount(value: float | None, unit: str) -> str:
    match unit:
        case _ if value is None:
            return "–"
        case "s":
            return format_quantity(value, "latency")
        case "B":
            return format_count(value, "B")
        case "images/s":
            return f"{value:.4g} images/s"
        case _:
            return f"{value:.5g}"
