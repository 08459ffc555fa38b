"""The verbs that prepare data sets and show them."""

from __future__ import annotations

import math
from typing import Any

import click

from dse.cli.options import JSON, SEED
from dse.cli.show import show
from dse.errors import UserError

SHOWN_REFUSALS = 10


@click.group()
def data() -> None:
    """Prepare images for proxies, once; show what was prepared."""


@data.command()
@click.argument("source", metavar="SOURCE")
@click.option("-o", "--output", required=True, metavar="DIR", help="Folder of the data set.")
@click.option(
    "--resolution",
    default=64,
    show_default=True,
    type=click.IntRange(8, 1024),
    help="Pixels along a side: the proxy's resolution.",
)
@click.option(
    "--classes", default=None, type=click.IntRange(2), help="So many classes, drawn by seed."
)
@click.option(
    "--per-class",
    default=None,
    type=click.IntRange(1),
    help="At most so many training images of each class, drawn by seed.",
)
@click.option(
    "--test-per-class", default=None, type=click.IntRange(1), help="The same of held-out images."
)
@click.option(
    "--test-share",
    default="10%",
    show_default=True,
    help="Held out of each class where the source has no test split.",
)
@click.option(
    "--channels",
    default=None,
    type=click.Choice(["1", "3"]),
    help="Grey or RGB; else the source's.",
)
@SEED
@click.option(
    "--max-bad",
    default="1%",
    show_default=True,
    help="Share of images that may be refused, as broken ones are.",
)
@click.option("--workers", default=None, type=click.IntRange(1, 1024), help="Default: one a core.")
def prepare(
    output: str,
    workers: int | None,
    max_bad: str,
    test_share: str,
    channels: str | None,
    **options: Any,
) -> None:
    """Decode and resize images into DIR; stopped, the same command goes on.

    SOURCE is folder:PATH, cifar10:PATH, cifar100:PATH, npz:PATH, parquet:PATH, hf:NAME or fractals.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from dse.config import parse_config
    from dse.proxy.data.prepare import prepare as run
    from dse.proxy.data.prepared import Request
    from dse.proxy.device import usable_cores

    asked = {
        **options,
        "channels": channels and int(channels),
        "test_share": share(test_share, "--test-share"),
    }
    request = parse_config(Request, asked, source="dse data prepare")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[refused]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("listing images", total=None, refused="")

        def on_progress(done: int, total: int, refused: int) -> None:
            progress.update(
                task,
                description="hashing" if done == total else "decoding",
                completed=done,
                total=total,
                refused=f"{refused} refused" if refused else "",
            )

        run(
            request,
            output,
            workers=workers or usable_cores(),
            max_bad=share(max_bad, "--max-bad"),
            on_progress=on_progress,
        )
    _show(output, as_json=False, verified=False)


@data.command()
@click.argument("folder", metavar="DIR")
@click.option("--verify", is_flag=True, help="Read every byte and compare with its SHA-256.")
@JSON
def info(folder: str, verify: bool, as_json: bool) -> None:
    """What a prepared data set holds, and which images were refused."""
    from dse.proxy.data.prepared import open_arrays, read_meta
    from dse.proxy.data.prepared import verify as run

    meta = read_meta(folder)
    open_arrays(folder, meta)
    if verify:
        run(folder, meta)
    _show(folder, as_json=as_json, verified=verify)


def _show(folder: str, *, as_json: bool, verified: bool) -> None:
    from dse.proxy.data.prepared import read_meta

    meta = read_meta(folder)
    counts = meta.per_class
    row: dict[str, Any] = {
        "path": folder,
        "source": meta.request.source,
        "resolution": meta.request.resolution,
        "channels": meta.channels,
        "classes": len(meta.classes),
        "train_images": meta.images("train"),
        "test_images": meta.images("test"),
        "train_per_class": [min(counts["train"]), max(counts["train"])],
        "test_per_class": [min(counts["test"]), max(counts["test"])],
        "mean": [round(value, 3) for value in meta.mean],
        "std": [round(value, 3) for value in meta.std],
        "seed": meta.request.seed,
        "refused": len(meta.refused),
        "checksum": meta.checksum,
        "verified": verified,
    }
    if as_json:
        row["refused_images"] = [image.model_dump() for image in meta.refused]
        row["class_names"] = list(meta.classes)
        show([row], True, title="")
        return
    row["train_per_class"] = _range(row["train_per_class"])
    row["test_per_class"] = _range(row["test_per_class"])
    for name in ("mean", "std"):
        row[name] = ", ".join(f"{value:g}" for value in row[name]) + " of 255"
    row["verified"] = "yes, by SHA-256" if verified else "no; --verify reads it all"
    rows = [{"what": key.replace("_", " "), "is": str(value)} for key, value in row.items()]
    show(rows, False, title=f"Prepared data set {folder}")
    if meta.refused:
        refused = [image.model_dump() for image in meta.refused[:SHOWN_REFUSALS]]
        more = len(meta.refused) - len(refused)
        caption = f"{more} more in meta.json and with --json." if more > 0 else ""
        show(refused, False, title="Refused images", caption=caption)


def _range(ends: list[int]) -> str:
    return f"{ends[0]:,}" if ends[0] == ends[1] else f"{ends[0]:,} to {ends[1]:,}"


def share(text: str, option: str) -> float:
    """Read "1%" as 0.01.

    Raises:
        UserError: it is not a percentage from 0 to 100.
    """
    try:
        found = float(text.strip().removesuffix("%")) / 100
    except ValueError:
        found = math.nan
    if not text.strip().endswith("%") or not 0 <= found <= 1:
        raise UserError(f"{option} {text!r}: write a percentage from 0% to 100%.")
    return found
