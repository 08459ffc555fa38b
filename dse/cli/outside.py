"""The verbs about what a study itself does not measure: other people's, and fresh seeds."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import nullcontext, redirect_stdout
from typing import Any, Final, Literal

import click

from dse.cli.options import JSON, launching, launching_of
from dse.cli.show import show
from dse.cli.study import STUDY
from dse.errors import UserError

SHOWN = 5
"""So many trainings of an import are shown."""
MARKS: Final[dict[str, Literal[".", ","]]] = {"point": ".", "comma": ","}
CONFIRM_NOTE = (
    "Fresh seeds had no part in choosing. The intervals hold for all finalists at once, so also "
    "for the one that comes out best; they assume normal seed noise of one size."
)


@click.command("import")
@click.argument("file", metavar="FILE")
@click.option("--as", "name", required=True, metavar="NAME", help="What the study is called.")
@click.option(
    "--store", default=None, metavar="STORE", help="SQLite file or URL; by default studies/NAME.db."
)
@click.option("--error", default=None, metavar="COLUMN", help="The held-out errors.")
@click.option("--accuracy", default=None, metavar="COLUMN", help="Or the held-out accuracies.")
@click.option("--unit", default=None, type=click.Choice(["percent", "fraction"]), help="Of these.")
@click.option("--flops", default=None, metavar="COLUMN[:G]", help="FLOPs; :G if in billions.")
@click.option("--params", default=None, metavar="COLUMN[:M]", help="Parameters; :M if in millions.")
@click.option(
    "--network", default=None, metavar="COLUMN", help="Names; rows of one name are its trainings."
)
@click.option("--seed-column", "seed", default=None, metavar="COLUMN", help="Tells these apart.")
@click.option(
    "--map",
    "mapped",
    multiple=True,
    metavar="NEW=COLUMN",
    help="Call a choice so; or NEW is activations. May be repeated.",
)
@click.option("--without", multiple=True, metavar="COLUMN", help="Leave it out; may be repeated.")
@click.option(
    "--split-key",
    default=None,
    metavar="NAME",
    help='The parts of a name are choices: "021" with layer gives layer.1, layer.2, layer.3.',
)
@click.option("--decimal", default=None, type=click.Choice(list(MARKS)), help="Before decimals.")
@click.option("--space", default=None, metavar="FILE", help="The design space they are of.")
@click.option("--classes", default=None, type=click.IntRange(2), help="Of the data set.")
@click.option("--test-images", default=None, type=click.IntRange(1), help="Behind each error.")
@click.option(
    "--complete", is_flag=True, help="The file has every network of the space, trained or not."
)
@click.option("--dry", is_flag=True, help="Say what would be kept, and keep nothing.")
@JSON
def import_(
    file: str,
    name: str,
    store: str | None,
    mapped: Sequence[str],
    without: Sequence[str],
    decimal: str | None,
    space: str | None,
    classes: int | None,
    test_images: int | None,
    complete: bool,
    dry: bool,
    as_json: bool,
    **columns: Any,
) -> None:
    """Keep a population that was measured elsewhere: a table as CSV, JSON or JSON Lines.

    What the columns are is guessed by their names and said; all that is no error, no cost and no
    name is a choice. Nothing is ever trained in such a study.
    """
    from dse.jobs.imported import import_job
    from dse.jobs.tables.columns import Asked

    asked = Asked(
        **columns,
        choices=tuple(map(_renamed, mapped)),
        without=tuple(without),
        decimal=MARKS[decimal] if decimal else None,
    )
    found = import_job(
        file=file,
        name=name,
        store=store,
        asked=asked,
        space=space,
        classes=classes,
        test_images=test_images,
        complete=complete,
        dry=dry,
    )
    rows = found.rows()
    if as_json:
        show(rows, as_json, title="")
    else:
        for sentence in found.sentences:
            click.echo(sentence)
        shown = [_brief(row) for row in rows[:SHOWN]]
        show(shown, as_json, title=f"The first {len(shown)} trainings")
    done = f"kept as {name!r} in {found.target}"
    if dry:
        done = "nothing was kept, as --dry asks" if not found.was_there else "is there already"
    elif found.was_there:
        done = f"{name!r} is in {found.target} already, from the same file: nothing was done"
    click.echo(f"{done}.", err=as_json)


def _renamed(text: str) -> tuple[str, str]:
    new, equals, column = text.partition("=")
    if not equals or not new.strip() or not column.strip():
        raise UserError(f"--map {text!r}: write NEW=COLUMN.")
    return new.strip(), column.strip()


def _brief(row: dict[str, Any]) -> dict[str, Any]:
    """A row for the table."""
    from dse.analysis.summary import percent

    error = row["error"]
    choices = " ".join(f"{key}={value}" for key, value in row["choices"].items())
    return {
        "network": row["network"],
        "seed": row["replicate"] + 1,
        "error": row["state"] if error is None else percent(error),
        "flops": row["flops"] if row["flops"] is not None else "–",
        "params": row["params"] if row["params"] is not None else "–",
        "choices": choices,
    }


@click.command()
@click.argument("store", metavar="[STORE]", required=False)
@STUDY
@click.option(
    "--top", default=5, show_default=True, type=click.IntRange(1), help="So many of the best."
)
@click.option(
    "--seeds", default=3, show_default=True, type=click.IntRange(1, 1000), help="Fresh ones each."
)
@launching
@JSON
def confirm(
    store: str | None, study: str | None, top: int, seeds: int, as_json: bool, **options: Any
) -> None:
    """Train the best networks of a survey or a search again with fresh seeds: which is the best?

    Their first errors chose them and are too good; fresh ones are not. No statistic of the study
    counts them. A stopped confirmation resumes, and more seeds or networks add to it.
    """
    from dse.jobs.conclude import newest_store
    from dse.jobs.confirm import confirm_job

    launch = launching_of(options)
    with redirect_stdout(sys.stderr) if as_json else nullcontext():
        found = confirm_job(
            store=store or newest_store(), study=study, top=top, seeds=seeds, launching=launch
        )
    if as_json:
        show(found.rows(), as_json, title="")
        return
    click.echo()
    title = f"{found.study.name} ({found.study.kind}): finalists by fresh seeds"
    show(map(_finalist, found.rows()), as_json, title=title, caption=CONFIRM_NOTE)
    for sentence in (*found.found.sentences, found.found.conclusion, *found.notes):
        click.echo(sentence)


def _finalist(row: dict[str, Any]) -> dict[str, Any]:
    """A finalist for the table."""
    from dse.analysis.summary import percent

    fresh, behind = row["fresh"], row["behind"]
    return {
        "network": row["network"],
        "rank before": row["rank_before"],
        "first seed": percent(row["first"]),
        "fresh mean": percent(float(row["mean"])),
        "seeds": row["seeds"],
        "interval": "–" if fresh is None else _bounds(fresh, ".2f"),
        "behind the best other": "–" if behind is None else _bounds(behind, "+.2f"),
        "may be best": "yes" if row["may_be_best"] else "no",
    }


def _bounds(estimate: dict[str, Any], shown: str) -> str:
    return f"{100 * estimate['lower']:{shown}} to {100 * estimate['upper']:{shown}} %"
