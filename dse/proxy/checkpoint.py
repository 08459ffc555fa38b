"""A training kept on disk, so that a killed one goes on where it was."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

from dse.errors import UserError
from dse.files import write_whole
from dse.proxy.loop import Task

FORMAT: Final = 1  # raised whenever the same file comes to mean another training
EVERY_SECONDS: Final = 60.0
"""Trainings shorter than this are not kept: to repeat one costs less than it is worth."""


class Checkpoint:
    """The file `path` of one training, or nothing at all if `path` is None.

    A file of another training, network, recipe, torch or arithmetic is taken for none, and so is a
    damaged one: the training then starts from the beginning, which costs time and no more.
    """

    def __init__(self, path: Path | None, model: nn.Module, task: Task) -> None:
        self.path = path
        self._every = task.proxy.checkpoint_epochs
        self._key = _fingerprint(model, task) if path else ""
        self._last = time.monotonic()

    def load(self) -> dict[str, Any] | None:
        """What was kept last."""
        if self.path is None:
            return None
        try:
            kept = torch.load(self.path, weights_only=True, map_location="cpu")
        except (OSError, RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError):
            return None
        if not isinstance(kept, dict) or kept.pop("key", None) != self._key:
            return None
        return kept

    def is_due(self, epoch: int) -> bool:
        """Whether to keep the training after this epoch."""
        if self.path is None:
            return False
        if self._every is not None:
            return epoch % self._every == 0
        return time.monotonic() - self._last >= EVERY_SECONDS

    def save(self, state: dict[str, Any]) -> None:
        """Keep `state`: tensors and plain values; the file is the old one or the new one."""
        if self.path is None:
            return
        file = io.BytesIO()
        torch.save(state | {"key": self._key}, file)
        with suppress(UserError):  # a full disk costs only the time of a resumed training
            write_whole(self.path, file.getvalue())
        self._last = time.monotonic()


def _fingerprint(model: nn.Module, task: Task) -> str:
    """A hash of what decides the training, the network's first weights included."""
    settings = task.proxy.model_dump(mode="json", exclude={"checkpoint_epochs"})
    where = [task.device.type, str(task.dtype), torch.__version__]
    digest = hashlib.sha256(json.dumps([FORMAT, settings, task.seed, where]).encode())
    for name, tensor in model.state_dict().items():
        plain = tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy()
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode() + plain.tobytes())
    return digest.hexdigest()
