"""Rows as JSON Lines or as a table."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dse.units import format_count


def show(
    rows: Iterable[Mapping[str, Any]], as_json: bool, *, title: str, caption: str = ""
) -> None:
    """Print rows as JSON Lines or as a table, whose caption is what a reader must know."""
    if as_json:
        for row in rows:
            click.echo(json.dumps(row))
        return
    rows = list(rows)
    if not rows:
        click.echo("\n".join(line for line in (title, caption) if line))
        return
    table = Table(
        title=Text(title, style="table.title"),
        title_justify="left",
        caption=Text(caption, style="table.caption") if caption else None,
        caption_justify="left",
    )
    for key in rows[0] if rows else ():
        numeric = isinstance(rows[0][key], int | float)
        table.add_column(key, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell(key, value)) for key, value in row.items()))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def cell(key: str, value: Any) -> str:
    """A value of a column, as its name asks for."""
    if key == "architecture":
        return " ".join(f"{k}={brief(v)}" for k, v in value.items())
    if key in ("flops", "params", "activations") and not isinstance(value, str):
        return f"{value:,} ({format_count(value)})"
    return brief(value)


def brief(value: Any) -> str:
    """A value in few characters."""
    if isinstance(value, list):
        return "-".join(str(item) for item in value)
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)
