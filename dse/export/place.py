"""An exported folder and its place: what is replaced, what is left alone."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dse.architecture.catalog import find_architecture
from dse.architecture.spec import Architecture
from dse.errors import UserError

FILES = (
    "network.yaml",
    "model.py",
    "train.yaml",
    "timm.yaml",
    "huggingface/config.json",
    "model.onnx",
    "README.md",
)
"""All that an exported folder may hold."""


def holds_other_files(place: Path) -> bool:
    """Whether a folder holds something that is not from an export, such as a training."""
    exported = {place / name for name in FILES} | {place / "huggingface", place / "__pycache__"}
    return any(path not in exported and path.name[-4:] != ".pyc" for path in place.rglob("*"))


def require_same_training(place: Path, architecture: Mapping[str, Any]) -> None:
    """Refuse to write one network into the folder of a training of another one.

    Raises:
        UserError: it would be.
    """
    if not place.is_dir() or not holds_other_files(place):
        return
    try:
        there = find_architecture(str(place / "network.yaml"))
    except UserError:
        there = None
    if there != Architecture.from_dict(architecture):
        raise UserError(
            f"{place}: holds files that are not from an export, perhaps a training of another "
            "network; name another folder with -o."
        )


def install(new: Path, place: Path) -> None:
    """Move a complete folder into its place.

    Where a folder is there, its files from an export are replaced one by one, and those that are
    not exported any more removed. Others stay; with them, `train.yaml` does.
    """
    if not place.exists():
        new.replace(place)
        return
    kept = {"train.yaml"} if holds_other_files(place) else set()
    for name in FILES:
        if name in kept and (place / name).exists():
            continue
        if (new / name).exists():
            (place / name).parent.mkdir(exist_ok=True)
            (new / name).replace(place / name)
        else:
            _remove(place / name, place)


def remove_export(place: Path) -> None:
    """Remove a folder that holds nothing but an export."""
    shutil.rmtree(place / "__pycache__", ignore_errors=True)
    for name in FILES:
        _remove(place / name, place)
    place.rmdir()


def _remove(file: Path, place: Path) -> None:
    file.unlink(missing_ok=True)
    inside = file.parent
    if inside != place and inside.is_dir() and not any(inside.iterdir()):
        inside.rmdir()
