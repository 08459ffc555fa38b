"""The command line: one verb, one function. A verb imports the heavy packages it needs itself."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

import dse
from dse.cli import (
    compared,
    data,
    explained,
    exported,
    live,
    measured,
    outside,
    paper,
    study,
    train,
    work,
)
from dse.errors import UserError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(dse.__version__, prog_name="dse")
def cli() -> None:
    """Explore design spaces of ConvNets: which network, under my budget, and how sure are we?"""


for verb in (
    study.run,
    paper.sample,
    paper.cost,
    paper.roadmap,
    paper.space,
    paper.schema,
    measured.measure,
    data.data,
    study.report,
    exported.export,
    study.fidelity,
    study.search,
    compared.compare,
    explained.explain,
    study.upgrade,
    outside.import_,
    outside.confirm,
    train.train,
    work.worker,
    work.status,
    live.serve,
):
    cli.add_command(verb)


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
