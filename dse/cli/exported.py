"""The verb that takes networks home."""

from __future__ import annotations

from collections.abc import Sequence

import click

from dse.cli.options import JSON
from dse.cli.show import show
from dse.cli.study import STUDY


@click.command()
@click.argument("store", metavar="[STORE]", required=False)
@STUDY
@click.option("--top", default=5, show_default=True, type=click.IntRange(1), help="How many.")
@click.option("--id", "ids", multiple=True, type=click.IntRange(0), help="These networks instead.")
@click.option("-o", "--output", default=None, help="Folder; by default beside the store.")
@click.option(
    "--recipe",
    default="imagenet",
    show_default=True,
    metavar="NAME|FILE",
    help="Of the full training.",
)
@click.option(
    "--classes", default=1000, show_default=True, type=click.IntRange(1, 1_000_000), help="Outputs."
)
@click.option(
    "--resolution",
    default=None,
    metavar="PX",
    type=click.IntRange(16, 1024),
    help="Pixels of an image; by default the recipe's.",
)
@click.option(
    "--weights",
    default=None,
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="A state dict of the one network, for model.onnx; else it has fresh weights.",
)
@click.option(
    "--onnx/--no-onnx", default=None, help="Write model.onnx; by default where it is installed."
)
@JSON
def export(
    store: str | None,
    study: str | None,
    top: int,
    ids: Sequence[int],
    output: str | None,
    recipe: str,
    classes: int,
    resolution: int | None,
    weights: str | None,
    onnx: bool | None,
    as_json: bool,
) -> None:
    """Write the best networks of a study, a folder each, with all that a full training needs.

    A folder holds the architecture, a model.py that needs PyTorch alone, the training as
    train.yaml, timm's and Hugging Face's own forms where there are any, ONNX, and a model card.
    """
    from dse.jobs.conclude import newest_store
    from dse.jobs.conclude_search import load_any
    from dse.jobs.exported import make_form

    form = make_form(
        recipe=recipe, classes=classes, resolution=resolution, weights=weights, onnx=onnx
    )
    conclusion = load_any(store or newest_store(), name=study)
    rows = conclusion.write_export(output, top=top, ids=ids, form=form)
    if as_json:
        show(rows, as_json, title="")
        return
    for row in rows:
        click.echo(row["folder"])
        for name in ("timm", "huggingface", "onnx"):
            if row[name] is not True:
                click.echo(f"  {row[name]}")
