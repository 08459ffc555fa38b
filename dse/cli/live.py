"""The verb that shows studies while they run."""

from __future__ import annotations

from collections.abc import Sequence

import click


@click.command()
@click.argument("stores", nargs=-1, metavar="[STORE...]")
@click.option(
    "--study", "studies", multiple=True, metavar="NAME", help="Only this one; repeatable."
)
@click.option(
    "--dashboard", default="live", show_default=True, metavar="NAME|FILE", help="What is shown."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    default=8050,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="0: any free one.",
)
@click.option(
    "--token",
    default=None,
    envvar="DSE_TOKEN",
    show_envvar=True,
    help="What who looks must know; made where others can reach the address and none is given.",
)
def serve(
    stores: Sequence[str],
    studies: Sequence[str],
    dashboard: str,
    host: str,
    port: int,
    token: str | None,
) -> None:
    """Show studies on a live page: figures, selections, every network; until Ctrl-C.

    Stores are only read. The address is this machine's alone unless --host says otherwise.
    """
    from dse.jobs.conclude import newest_store
    from dse.jobs.serve import serve_job

    serve_job(
        stores or [newest_store()],
        studies=studies,
        dashboard=dashboard,
        host=host,
        port=port,
        token=token,
    )
