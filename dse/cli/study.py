"""The verbs that make a study or read one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from dse.cli.options import sampling


@click.command()
@click.argument("space", metavar="SPACE")
@sampling(budget="4.5GFLOPs")
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


@click.command()
@click.argument("store", metavar="[STORE]", required=False)
@click.option("-o", "--output", default=None, help="HTML file; by default beside the store.")
def report(store: str | None, output: str | None) -> None:
    """Write the self-contained offline HTML report of a study."""
    from dse.conclude import load_conclusion, newest_store

    conclusion = load_conclusion(store or newest_store())
    click.echo(conclusion.write_report(output))


@click.command()
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
