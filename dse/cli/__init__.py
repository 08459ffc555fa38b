"""The command line: one verb, one function. A verb imports the heavy packages it needs itself."""

from __future__ import annotations

import dataclasses
import io
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

import dse
from dse.errors import UserError
from dse.units import CONVENTION, format_count

JSON = click.option("--json", "as_json", is_flag=True, help="JSON Lines with stable keys.")
BUDGET = click.option("--budget", default="4.5GFLOPs", show_default=True, metavar="FLOPS")
TOLERANCE = click.option(
    "--tolerance", default="1%", show_default=True, help="Half width of the budget window."
)
RESOLUTION = click.option(
    "--resolution",
    default=224,
    show_default=True,
    type=click.IntRange(16, 4096),
    help="Input pixels at which FLOPs count.",
)
SEED = click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**32 - 1))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(dse.__version__, prog_name="dse")
def cli() -> None:
    """Explore design spaces of ConvNets: which network, under my budget, and how sure are we?"""


@cli.command()
@click.argument("space", metavar="SPACE")
@BUDGET
@TOLERANCE
@RESOLUTION
@SEED
@click.option(
    "--models", default=24, show_default=True, type=click.IntRange(1, 100_000), help="Networks."
)
@click.option("--proxy", default="embedded", show_default=True, help="Preset or YAML file.")
@click.option(
    "--repeat",
    default="25%",
    show_default=True,
    help="Share of networks trained with a second seed: the best, and as many at random.",
)
@click.option("--store", default=None, help="SQLite file; by default under studies/.")
@click.option("--workers", default=None, type=click.IntRange(1, 1024), help="Default: one a core.")
@click.option("--top", default=5, show_default=True, type=click.IntRange(1), help="Exported.")
@click.option(
    "--reference",
    multiple=True,
    metavar="timm:NAME",
    help="Train this timm model under the same proxy and draw it as a line; may be repeated.",
)
def run(**options: Any) -> None:
    """Sample a space inside a budget, train every network's proxy, conclude and report."""
    from dse.job import main_job

    main_job(**options)


@cli.command()
@click.argument("space", metavar="SPACE")
@BUDGET
@TOLERANCE
@RESOLUTION
@SEED
@click.option("-n", "count", default=10, show_default=True, type=click.IntRange(1, 1_000_000))
@JSON
def sample(
    space: str, budget: str, tolerance: str, resolution: int, seed: int, count: int, as_json: bool
) -> None:
    """Draw architectures inside a budget, with their cost."""
    from dse.space import Budget, Sampler, load_space

    sampler = Sampler(
        space=load_space(space),
        budget=Budget.parse(budget, tolerance=tolerance, resolution=resolution),
        seed=seed,
    )
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
    _show(rows, as_json, title=f"{sampler.space.name} at {sampler.budget}; {CONVENTION}")


@cli.command()
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
            _show(table, as_json, title=title)
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
    _show(rows, as_json, title=f"Cost of one image of {resolution} px; {CONVENTION}")
    if not all(row.get("verified", True) for row in rows):
        raise SystemExit(1)


@cli.command()
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
    _show(rows, as_json, title=f"From {start}, one image of {resolution} px; {CONVENTION}")


@cli.command()
@click.argument("space", metavar="SPACE")
@click.argument("other", metavar="[OTHER]", required=False)
@click.option("--budget", default=None, metavar="FLOPS", help="Show feasibility and marginals.")
@TOLERANCE
@RESOLUTION
@SEED
@click.option("--draws", default=500, show_default=True, type=click.IntRange(10, 1_000_000))
@JSON
def space(space: str, other: str | None, budget: str | None, as_json: bool, **options: Any) -> None:
    """Size, feasibility and realised marginals of a space, or how two spaces differ."""
    from dse.space import Budget, load_space
    from dse.space.describe import compare_rows, describe_rows

    first, second = load_space(space), load_space(other) if other else None
    if second is not None:
        _show(compare_rows(first, second), as_json, title=f"{first.name} | {second.name}")
        return
    window = None
    if budget is not None:
        window = Budget.parse(
            budget, tolerance=options["tolerance"], resolution=options["resolution"]
        )
    rows = describe_rows(first, window, seed=options["seed"], draws=options["draws"])
    title = f"{first.name}: {first.dimension} free choices, 10^{first.log10_size:.1f} shapes"
    _show(rows, as_json, title=title)


@cli.command()
@click.argument("store", metavar="[STORE]", required=False)
@click.option("-o", "--output", default=None, help="HTML file; by default beside the store.")
def report(store: str | None, output: str | None) -> None:
    """Write the self-contained offline HTML report of a study."""
    from dse.conclude import load_conclusion, newest_store

    conclusion = load_conclusion(store or newest_store())
    click.echo(conclusion.write_report(output))


@cli.command()
@click.argument("store", metavar="[STORE]", required=False)
@click.option("--top", default=5, show_default=True, type=click.IntRange(1), help="How many.")
@click.option("--id", "ids", multiple=True, type=click.IntRange(0), help="These networks instead.")
@click.option("-o", "--output", default=None, help="Folder; by default beside the store.")
def export(store: str | None, top: int, ids: Sequence[int], output: str | None) -> None:
    """Write the best networks of a study as YAML files."""
    from dse.conclude import load_conclusion, newest_store

    conclusion = load_conclusion(store or newest_store())
    for path in conclusion.write_export(output, top=top, ids=ids):
        click.echo(path)


def _show(rows: Iterable[Mapping[str, Any]], as_json: bool, *, title: str) -> None:
    """Print rows as JSON Lines or as a table."""
    if as_json:
        for row in rows:
            click.echo(json.dumps(row))
        return
    rows = list(rows)
    table = Table(title=Text(title, style="table.title"), title_justify="left")
    for key in rows[0] if rows else ():
        numeric = isinstance(rows[0][key], int | float)
        table.add_column(key, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(key, value)) for key, value in row.items()))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _cell(key: str, value: Any) -> str:
    if key == "architecture":
        return " ".join(f"{k}={_brief(v)}" for k, v in value.items())
    if key in ("flops", "params", "activations"):
        return f"{value:,} ({format_count(value)})"
    return _brief(value)


def _brief(value: Any) -> str:
    if isinstance(value, list):
        return "-".join(str(item) for item in value)
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line: a user's mistake is one sentence on stderr and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal may lack characters
            stream.reconfigure(errors="replace")
    try:
        code = cli.main(args=arguments, prog_name="dse", standalone_mode=False)
    except UserError as error:
        _fail(str(error))
    except click.ClickException as error:
        _fail(error.format_message())
    except OSError as error:  # a reader that has gone ends in click, with exit code 1
        _fail(f"{error.filename or 'reading or writing'}: {error.strerror or error}")
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped.", err=True)
        raise SystemExit(130) from None
    raise SystemExit(code if isinstance(code, int) else 0)


def _fail(sentence: str) -> NoReturn:
    click.echo(f"error: {' '.join(sentence.split()).rstrip('.')}.", err=True)
    raise SystemExit(2) from None
