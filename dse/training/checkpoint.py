"""A full training kept on disk: what a killed one goes on from."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import torch

from dse.errors import UserError
from dse.files import write_whole

FORMAT: Final = 1  # raised whenever the same file comes to mean another training
KEPT: Final = 2
_UNREADABLE = (OSError, RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError)

Identity = dict[str, str]
"""A hash of each part that decides a training: its recipe, its network, its data."""


def identity(**parts: Any) -> Identity:
    """The identity of a training from its parts, as JSON has them."""
    texts = {name: json.dumps([FORMAT, part], sort_keys=True) for name, part in parts.items()}
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}


def require_same(path: Path, found: Mapping[str, str], expected: Identity) -> None:
    """Make sure that what lies at `path` is of this training.

    Raises:
        UserError: it is of another one; the sentence says which parts differ.
    """
    other = [name for name, value in expected.items() if found.get(name) != value]
    if other:
        raise UserError(
            f"{path}: is of a training with another {' and another '.join(other)}; name another "
            "folder with -o, or remove this one."
        )


class Checkpoints:
    """The newest checkpoints of one training in a folder, named by epoch and step."""

    def __init__(self, folder: Path, expected: Identity) -> None:
        self.folder, self._identity = folder, expected

    def newest(self) -> bytes | None:
        """The newest whole checkpoint, as its file's bytes; None where there is none.

        Raises:
            UserError: it is of another training, or cannot be read.
        """
        for path in self._paths():
            try:
                content = path.read_bytes()
                found = read_checkpoint(content)
            except _UNREADABLE:
                continue
            require_same(path, found.get("identity", {}), self._identity)
            return content
        return None

    def save(self, state: Mapping[str, Any], *, epoch: int, step: int) -> Path:
        """Keep `state`, tensors and plain values; older ones than the newest two are removed.

        Raises:
            UserError: the place cannot be written or the disk is full.
        """
        file = io.BytesIO()
        torch.save({**state, "identity": self._identity}, file)
        path = self.folder / f"epoch-{epoch:05d}-step-{step:08d}.pt"
        write_whole(path, file.getvalue())
        for old in self._paths()[KEPT:]:
            old.unlink(missing_ok=True)
        return path

    def clear(self) -> None:
        """Remove all, when the training has ended."""
        for path in self._paths():
            path.unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()

    def _paths(self) -> list[Path]:
        """The newest first."""
        return sorted(self.folder.glob("epoch-*-step-*.pt"), reverse=True)


def read_checkpoint(content: bytes) -> dict[str, Any]:
    """A checkpoint's bytes as tensors on the CPU and plain values; no code in it is run."""
    found = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    if not isinstance(found, dict):
        raise ValueError("a checkpoint holds keys and values")
    return found
