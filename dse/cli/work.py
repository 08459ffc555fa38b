"""The verbs of those who work on a study, or look how far it is."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from dse.cli.options import JSON
from dse.cli.show import show
from dse.units import format_duration

if TYPE_CHECKING:
    from dse.study.status import Status


@click.command()
@click.option(
    "--store",
    required=True,
    envvar="DSE_STORE",
    show_envvar=True,
    help="SQLite file or postgresql:// URL.",
)
@click.option("--study", "studies", multiple=True, help="Only this study; may be repeated.")
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:1, ...")
@click.option("--memory", default=None, metavar="8GB", help="The most memory it may take.")
@click.option(
    "--gpu-share",
    default=None,
    type=click.FloatRange(0, 1, min_open=True),
    help="The share of the GPU's memory that it may take.",
)
@click.option("--checkpoints", default=None, help="Folder for trainings under way.")
@click.option("--log", default=None, help="File for its log, rotated; by default stderr.")
@click.option(
    "--linger",
    default=60.0,
    show_default=True,
    type=click.FloatRange(0),
    help="Seconds to wait for new work when nothing waits or runs.",
)
@click.option("--name", default=None, help="By default from machine, process and chance.")
@click.option(
    "--lease",
    default=60.0,
    show_default=True,
    type=click.FloatRange(0.1),
    help="Seconds without a sign of life after which another worker takes its training.",
)
@click.option(
    "--retries",
    default=5,
    show_default=True,
    type=click.IntRange(1),
    help="A training is given up after so many of its workers have died.",
)
@click.option("--beat", default=None, hidden=True, type=click.FloatRange(0, min_open=True))
@click.option("--run", default=None, hidden=True)
@click.option("--scorer", default=None, hidden=True, metavar="MODULE:FUNCTION")
def worker(**options: Any) -> None:
    """Train whatever waits in a store, until nothing does; start as many as you like, anywhere."""
    from dse.study.serve import serve

    options["name"] = options["name"] or worker_name()
    sys.exit(serve(**options))


def worker_name() -> str:
    """A name that no other worker has."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"


@click.command()
@click.argument("store", metavar="[STORE]", required=False)
@click.option("--study", "studies", multiple=True, help="Only this study; may be repeated.")
@JSON
def status(store: str | None, studies: Sequence[str], as_json: bool) -> None:
    """How far a store's studies are: done, running, failed and why, throughput, time left."""
    from dse.analysis.full import NOTE, table_row
    from dse.jobs.conclude import newest_store
    from dse.jobs.trained import recorded_trainings
    from dse.study.status import read_status

    place = store or newest_store()
    found = read_status(place, studies)
    if as_json:
        show([one.to_dict() for one in found], as_json, title="")
        return
    for one in found:
        click.echo("\n".join(status_lines(one)))
    if any(one.kind == "training" for one in found):
        names = [one.study for one in found]
        rows = map(table_row, recorded_trainings(place, names))
        show(rows, as_json, title="Full trainings", caption=NOTE)


def status_lines(status: Status) -> list[str]:
    """A status for people."""
    from dse.study.progress import best_text, flight_texts

    counts = status.counts
    parts = [f"{counts.complete} of {counts.total} trainings done"]
    parts += [
        f"{n} {state.replace('_', ' ')}"
        for state in ("running", "waiting", "stopped", "diverged", "out_of_memory", "failed")
        if (n := getattr(counts, state))
    ]
    lines = [f"{status.study} ({status.kind}): {', '.join(parts)}"]
    if status.throughput is not None and counts.waiting + counts.running:
        eta = format_duration(status.eta_seconds or 0.0)
        lines.append(
            f"  {status.throughput:.3g} trainings an hour (n = {status.recent} in "
            f"{format_duration(status.window)}); about {eta} left for what is known of"
        )
    if status.best:
        lines.append(f"  best so far {best_text(status.best)}; chosen as the best, so too good")
    lines += [f"  {'  '.join(filter(None, flight_texts(flight)))}" for flight in status.flights]
    lines += [f"  {n} {state}: {reason}" for state, reason, n in status.failures]
    return lines
