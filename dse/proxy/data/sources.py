"""Every source by its name, as `folder:PATH`."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Final

from dse.errors import UserError
from dse.proxy.data.cifar import LAYOUTS, open_cifar
from dse.proxy.data.drawn import open_fractals
from dse.proxy.data.folder import open_folder
from dse.proxy.data.hub import open_hub
from dse.proxy.data.npz import open_npz
from dse.proxy.data.parquet import open_parquet
from dse.proxy.data.prepared import Request
from dse.proxy.data.source import Source

FORMS: Final = (
    "folder:PATH",
    "cifar10:PATH",
    "cifar100:PATH",
    "npz:PATH",
    "parquet:PATH",
    "hf:NAME",
    "fractals",
)
"""How a source is written."""


def open_source(request: Request) -> Source:
    """The images that `request` names, not decoded yet.

    Raises:
        UserError: there is no such source, or it cannot be read.
    """
    kind, _, place = request.source.partition(":")
    forms = {form.partition(":")[0]: form for form in FORMS}
    if kind not in forms:
        near = difflib.get_close_matches(kind, forms, n=1, cutoff=0.0)[0]
        raise UserError(
            f"source {request.source!r}: is none; did you mean {forms[near]}? Sources: "
            f"{', '.join(FORMS)}."
        )
    if bool(place) != (":" in forms[kind]):
        raise UserError(f"source {request.source!r}: write {forms[kind]}.")
    path, share, seed = Path(place), request.test_share, request.seed
    if kind == "folder":
        return open_folder(path, share=share, seed=seed)
    if kind == "npz":
        return open_npz(path, share=share, seed=seed)
    if kind == "parquet":
        return open_parquet(path, share=share, seed=seed)
    if kind == "hf":
        return open_hub(place, share=share, seed=seed)
    if kind in LAYOUTS:
        return open_cifar(path, kind)
    return open_fractals(
        classes=request.classes,
        per_class=request.per_class,
        test_per_class=request.test_per_class,
        resolution=request.resolution,
        seed=seed,
    )
