"""The verbs that work on paper: no network is trained."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import click

from dse.cli.options import JSON, RESOLUTION, sampler_of, sampling
from dse.cli.show import show
from dse.errors import UserError
from dse.units import CONVENTION


@click.command()
@click.argument("space", metavar="SPACE")
@sampling(budget="4.5GFLOPs")
@click.option("-n", "count", default=10, show_default=True, type=click.IntRange(1, 1_000_000))
@JSON
def sample(space: str, count: int, as_json: bool, **options: Any) -> None:
    """Draw architectures inside a budget, with their cost."""
    sampler = sampler_of(space, **options)
    rows = (
        {
            "id": s.index,
            "flops": s.cost.flops,
            "params": s.cost.params,
            "activations": s.cost.activations,
            "architecture": s.architecture.to_dict(),
        }
        for s in sampler.samples(count)
    )
    show(rows, as_json, title=f"{sampler.space.name} at {sampler.budget}; {CONVENTION}")


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME|FILE...")
@RESOLUTION
@click.option("--verify", is_flag=True, help="Build each network and count it with fvcore too.")
@click.option("--layers", is_flag=True, help="Layer by layer, with memory traffic in bfloat16.")
@JSON
def cost(names: Sequence[str], resolution: int, verify: bool, layers: bool, as_json: bool) -> None:
    """Multiply-adds, parameters and activations of named or described networks."""
    from dse.architecture import cost as closed_form
    from dse.architecture.catalog import find_architecture
    from dse.architecture.traffic import traffic

    networks = {name: find_architecture(name) for name in names}
    if layers:
        for name, architecture in networks.items():
            table = [
                {"network": name, **dataclasses.asdict(row)}
                for row in traffic(architecture, resolution=resolution)
            ]
            title = f"{name}, one image of {resolution} px; intensity = multiply-adds a byte"
            show(table, as_json, title=title)
        return
    rows = []
    for name, architecture in networks.items():
        paper = closed_form(architecture, resolution=resolution)
        row: dict[str, Any] = {
            "name": name,
            "flops": paper.flops,
            "params": paper.params,
            "activations": paper.activations,
        }
        if verify:
            from dse.network import build
            from dse.network.verify import count

            row["verified"] = count(build(architecture), resolution=resolution) == paper
        rows.append(row)
    show(rows, as_json, title=f"Cost of one image of {resolution} px; {CONVENTION}")
    if not all(row.get("verified", True) for row in rows):
        raise SystemExit(1)


@click.command()
@click.option(
    "--from",
    "start",
    default="resnet50",
    show_default=True,
    type=click.Choice(["resnet50", "resnet200"]),
    help="Where the walk starts.",
)
@RESOLUTION
@JSON
def roadmap(start: str, resolution: int, as_json: bool) -> None:
    """The ConvNeXt paper's modernization steps: what they cost, counted and as printed."""
    from dse.architecture.roadmap import roadmap_rows

    rows = roadmap_rows(start, resolution=resolution)
    show(rows, as_json, title=f"From {start}, one image of {resolution} px; {CONVENTION}")


@click.command()
@click.argument("space", metavar="SPACE")
@click.argument("other", metavar="[OTHER]", required=False)
@sampling(budget=None)
@click.option(
    "--draws",
    default=500,
    show_default=True,
    type=click.IntRange(10, 1_000_000),
    help="With a budget, so many networks are looked at.",
)
@click.option(
    "--plot",
    default=None,
    metavar="FILE.html",
    type=click.Path(dir_okay=False),
    help="With a budget, write it all as one page with figures.",
)
@JSON
def space(
    space: str, other: str | None, draws: int, plot: str | None, as_json: bool, **options: Any
) -> None:
    """Priors and size of a space; under a budget what is feasible, what is drawn and what it costs;
    or how two spaces differ."""
    from dse.cli.described import show_description
    from dse.space import load_space
    from dse.space.describe.description import compare_rows, describe

    if plot is not None and (other or not options["budget"]):
        raise UserError("--plot: shows one space under a budget; give --budget, such as 4.5GFLOPs")
    if plot is not None and not plot.endswith((".html", ".htm")):
        raise UserError(f"--plot {plot!r}: give a name that ends in .html")
    first = load_space(space)
    if other is not None:
        second = load_space(other)
        rows = list(compare_rows(first, second))
        if not as_json:
            rows = [{k: v for k, v in row.items() if k != "section"} for row in rows]
        show(rows, as_json, title=f"{first.name} | {second.name}")
        return
    sampler = sampler_of(space, **options) if options["budget"] else None
    found = describe(first if sampler is None else sampler.space, sampler, draws=draws)
    if plot is not None:
        from dse.dashboard.space_page import write_space_page

        write_space_page(found, plot)
    if as_json:
        show(found.rows(), as_json, title="")
    else:
        show_description(found)
    if plot is not None:
        click.echo(f"page: {plot}", err=True)


@click.command()
@click.argument("kind", type=click.Choice(["space", "dashboard", "training"]))
def schema(kind: str) -> None:
    """The JSON Schema of a file format, by which editors complete and check it."""
    if kind == "space":
        from dse.space.language.schema import space_schema

        found = space_schema()
    elif kind == "training":
        from dse.training.load import training_schema

        found = training_schema()
    else:
        from dse.dashboard.spec import dashboard_schema

        found = dashboard_schema()
    click.echo(json.dumps(found, indent=1))
