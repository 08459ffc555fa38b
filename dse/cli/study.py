"""The verbs that make a study or read one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from dse.cli.options import (
    JSON,
    SEARCH_ONLY,
    launching,
    launching_of,
    sampling,
    search_options,
)
from dse.cli.show import show
from dse.errors import UserError

STORE_HELP = "SQLite file or postgresql:// URL; by default a file under studies/."
STUDY = click.option("--study", metavar="NAME", help="Which study of the store, if it has several.")


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
@click.option("--store", default=None, help=STORE_HELP)
@STUDY
@launching
@click.option("--top", default=5, show_default=True, type=click.IntRange(1), help="Exported.")
@click.option(
    "--reference",
    multiple=True,
    metavar="timm:NAME",
    help="Train this timm model under the same proxy and draw it as a line; may be repeated.",
)
@search_options
def run(search: str | None, **options: Any) -> None:
    """Sample a space inside a budget, train every network's proxy, conclude and report.

    With --search, networks are chosen by the errors of earlier ones instead, in a study of its own.
    """
    launch = launching_of(options)
    if search is None:
        from dse.jobs.survey import main_job

        _require_default(SEARCH_ONLY, "is for a search; add --search tpe")
        kept = {name: value for name, value in options.items() if name not in SEARCH_ONLY}
        main_job(launching=launch, **kept)
    else:
        from dse.jobs.search import search_job

        _require_default(("reference",), "is for a survey; leave it out with --search")
        del options["reference"]
        search_job(search=search, launching=launch, **options)


def _require_default(names: Sequence[str], why: str) -> None:
    """Refuse options that have no place in what is asked for."""
    source = click.get_current_context().get_parameter_source
    for name in names:
        if source(name) == ParameterSource.COMMANDLINE:
            raise UserError(f"--{name.replace('_', '-')}: {why}")


@click.command()
@click.argument("stores", nargs=-1, metavar="[STORE[::NAME]]...")
@click.option("--study", "studies", multiple=True, metavar="NAME", help="May be repeated.")
@click.option(
    "--dashboard",
    default=None,
    metavar="NAME|FILE",
    help="overview, compare, roadmap, live, or a YAML file; by default overview for one study, "
    "compare for several.",
)
@click.option("-o", "--output", default=None, help="HTML file; by default beside the store.")
def report(
    stores: Sequence[str], studies: Sequence[str], dashboard: str | None, output: str | None
) -> None:
    """Write the self-contained offline HTML report of studies, of any kind and from any stores.

    Surveys and searches stand beside each other, and are never mixed in one statistic.
    """
    from dse.jobs.shown import report_job

    click.echo(report_job(stores, studies=studies, dashboard=dashboard, output=output))


@click.command()
@click.argument("store", metavar="[STORE]", required=False)
@STUDY
@click.option("--front", is_flag=True, help="Only the networks on the Pareto front.")
@click.option("--top", default=None, type=click.IntRange(1), help="How many; by default all.")
@JSON
def search(
    store: str | None, study: str | None, front: bool, top: int | None, as_json: bool
) -> None:
    """Show what a search found: its networks by rank, and the Pareto front."""
    from dse.analysis.search import TABLE_NOTE, table_row
    from dse.jobs.conclude import newest_store
    from dse.jobs.conclude_search import load_search

    summary = load_search(store or newest_store(), name=study).summary
    rows = [row for row in summary.rows if row["front"] or not front][:top]
    if as_json:
        show(rows, as_json, title="")
        return
    for sentence in summary.sentences:
        click.echo(sentence)
    table = [table_row(row, summary.objectives) for row in rows]
    show(table, as_json, title=f"{summary.study} (search)", caption=TABLE_NOTE)


@click.command()
@click.argument("store")
def upgrade(store: str) -> None:
    """Bring a store that an older dse wrote up to date, after a backup."""
    from dse.store.engines.base import SCHEMA_VERSION
    from dse.store.store import Store

    with Store.open(store) as opened:
        click.echo(f"{opened.target}: is up to date (schema version {SCHEMA_VERSION})")


@click.command()
@click.argument("targets", nargs=-1, required=True, metavar="SPACE | STORE | CHEAP.db DEAR.db")
@sampling(budget="4.5GFLOPs")
@click.option(
    "--models", default=16, show_default=True, type=click.IntRange(1, 100_000), help="Networks."
)
@click.option("--cheap", default="embedded", show_default=True, help="Preset or YAML file.")
@click.option("--dear", default="embedded_long", show_default=True, help="Preset or YAML file.")
@click.option(
    "--repeat",
    default="25%",
    show_default=True,
    help="Share of networks trained with a second seed: the best, and as many at random.",
)
@click.option("--store-cheap", default=None, help="SQLite file; by default under studies/.")
@click.option("--store-dear", default=None, help="SQLite file; by default under studies/.")
@launching
@click.option("-o", "--output", default=None, help="HTML file; by default beside the dear store.")
@JSON
def fidelity(
    targets: Sequence[str],
    output: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """How far the order of networks under a cheap proxy holds under a dearer one.

    Of a SPACE, trains the same networks under both, or whatever is still missing; of two stores,
    reads them as they are; of one STORE, compares its survey with its full trainings.
    """
    from dse.analysis.fidelity_text import fidelity_rows, table_row
    from dse.jobs.fidelity import compare_stores, fidelity_job, require_page
    from dse.jobs.full_fidelity import is_store

    if len(targets) > 2:
        raise UserError("give one SPACE, one STORE, or two stores: the cheap and the dear one")
    if len(targets) == 1 and is_store(targets[0]):
        _require_default(("output", *options), "one store is read as it is; leave it out")
        _full_fidelity(targets[0], as_json)
        return
    if output is not None:
        require_page(Path(output))
    if len(targets) == 2:
        _require_default((*options,), "two stores are read as they are; leave it out")
        found = compare_stores(*targets)
    else:
        launch = launching_of(options)
        with redirect_stdout(sys.stderr) if as_json else nullcontext():
            found = fidelity_job(space=targets[0], launching=launch, **options)
    page = found.write_page(output)
    rows = fidelity_rows(found.found)
    if as_json:
        show(rows, as_json, title="")
    else:
        click.echo()
        for sentence in found.sentences:
            click.echo(sentence)
        title = f"{found.cheap.study.name} (cheap) and {found.dear.study.name} (dear)"
        show(map(table_row, rows), as_json, title=title)
    click.echo(f"page: {page}", err=True)


def _full_fidelity(store: str, as_json: bool) -> None:
    from dse.analysis.full import NOTE, json_row, table_row
    from dse.jobs.full_fidelity import compare_full_trainings

    trainings, found = compare_full_trainings(store)
    if as_json:
        numbers = [row for each in found for row in each.rows()]
        show([*numbers, *map(json_row, trainings)], as_json, title="")
        return
    show(map(table_row, trainings), as_json, title="Full trainings", caption=NOTE)
    for each in found:
        for sentence in each.sentences:
            click.echo(sentence)
