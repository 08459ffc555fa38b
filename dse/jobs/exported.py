"""Networks of a study as folders, whatever kind of study it is."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dse.errors import UserError
from dse.export.folder import Source, export_networks
from dse.export.form import Form
from dse.export.onnx import missing_for_onnx
from dse.store.target import Target
from dse.training.load import load_recipe
from dse.training.recipe import Recipe

DEFAULT_RECIPE = "imagenet"


def make_form(
    *,
    recipe: str = DEFAULT_RECIPE,
    classes: int = 1000,
    resolution: int | None = None,
    weights: str | Path | None = None,
    onnx: bool | None = False,
) -> Form:
    """What the options of `dse export` ask for; `onnx` None means where it is installed.

    Raises:
        UserError: the recipe is not usable, or ONNX is asked for and not installed.
    """
    wanted = load_recipe(recipe)
    if resolution is not None:
        images = {"resolution": resolution, "test_resolution": None}
        images = wanted.images.model_dump() | images
        wanted = Recipe.model_validate(wanted.model_dump() | {"images": images})
    missing = missing_for_onnx()
    if onnx and missing:
        raise UserError(f"--onnx: {missing}")
    return Form(
        recipe=wanted,
        classes=classes,
        weights=None if weights is None else Path(weights),
        onnx=onnx is not False,
    )


def write_best(
    source: Source,
    store: Target,
    folder: str | Path,
    *,
    top: int,
    ids: Sequence[int],
    form: Form | None,
) -> list[dict[str, Any]]:
    """Write the `top` best networks, or the networks `ids`; without a form, without ONNX.

    Raises:
        UserError: an id is unknown, there is no best network, or the folder cannot be written.
    """
    best = sorted(source.ranked.values(), key=lambda place: place.rank)
    indices = list(ids) or [place.index for place in best[:top]]
    if not indices:
        raise UserError(
            f"{store}: no network was trained to the end with all its seeds, so there is no best "
            "one; --id N exports network N."
        )
    return export_networks(source, indices, folder, form or make_form())


def place_for_files(store: Target) -> str:
    """What opens a store from the folder of an export: never with a password."""
    return str(store if store.path is None else store.path.absolute())


def best_sentence(exported: Sequence[Mapping[str, Any]], store: Target, top: int) -> str:
    """Where the best networks are, and what adds what a run leaves out."""
    study = f" --study {shlex.quote(store.study)}" if store.study else ""
    folder = Path(exported[0]["folder"]).parent
    again = f"dse export {shlex.quote(str(store))}{study} --top {top}"
    return f"Best networks: {folder} (`{again}` adds ONNX)"
