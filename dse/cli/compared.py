"""The verb that compares spaces by the populations of their studies."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import click

from dse.cli.options import JSON
from dse.cli.show import show


@click.command()
@click.argument("studies", nargs=-1, required=True, metavar="STORE[::NAME] STORE[::NAME] ...")
@click.option("--baseline", is_flag=True, help="Compare the first with each other, not all pairs.")
@click.option(
    "--confidence",
    default=0.95,
    show_default=True,
    type=click.FloatRange(0.5, 0.999),
    help="Of every interval; corrected p-values are judged at 1 less it.",
)
@click.option(
    "--paper",
    default=10_000,
    show_default=True,
    type=click.IntRange(0, 1_000_000),
    help="Networks of each space to draw on paper, so that fewer trainings suffice; 0 for none.",
)
@JSON
def compare(
    studies: Sequence[str], baseline: bool, confidence: float, paper: int, as_json: bool
) -> None:
    """Which of several spaces is better, by how much, and how sure is it?

    Each argument is a store, or STORE::NAME for one study of several. Surveys and imports only: the
    networks of a search are no sample of their space.
    """
    from dse.analysis.spaces.sentences import NOTE, json_rows, pair_rows, space_rows
    from dse.jobs.compare import compare_job

    compared = compare_job(
        studies,
        baseline=baseline,
        confidence=confidence,
        paper=paper,
        tell=partial(click.echo, err=True),
    )
    found = compared.found
    if as_json:
        notes = [{"what": "note", "text": note} for note in compared.notes]
        show(json_rows(found) + notes, as_json, title="")
        return
    title = f"Spaces; {100 * confidence:g} % intervals"
    show(space_rows(found), as_json, title=title)
    show(pair_rows(found), as_json, title="Pairs", caption=NOTE)
    for sentence in (*compared.conclusions, *compared.notes):
        click.echo(sentence)
