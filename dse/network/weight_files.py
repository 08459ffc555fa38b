"""Weights from a file, or from timm by name, as tensors by name. Nothing of a file is run."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from dse.errors import UserError
from dse.network.timm_model import PREFIX, import_timm, reference_name

ENDINGS: Final = (".pt", ".pth", ".safetensors")
INSIDE: Final = ("state_dict_ema", "model_ema", "ema", "state_dict", "model", "weights")
"""Where a checkpoint may have them; averaged ones first, as they are what was evaluated."""
WRAPPERS: Final = ("module.", "_orig_mod.")
"""What DistributedDataParallel and torch.compile put before every name."""


def read_weights(source: str) -> dict[str, Tensor]:
    """The weights that `timm:NAME` or a file names, on the CPU.

    Raises:
        UserError: they cannot be read, are no weights, or hold a number that is not finite.
    """
    weights = _from_timm(source) if source.startswith(PREFIX) else _from_file(Path(source))
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise UserError(f"{source}: {name} holds a number that is not finite.")
    return weights


def _from_timm(source: str) -> dict[str, Tensor]:
    """Pretrained weights, which timm fetches from the network unless its cache has them."""
    try:
        name = reference_name(source)
    except UserError as error:
        raise UserError(str(error).replace("reference ", "--init ", 1)) from None
    try:
        model = import_timm().create_model(name, pretrained=True)
    except Exception as error:  # whatever the hub's client and timm raise, all of it is told
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
        raise UserError(f"{source}: its pretrained weights cannot be had: {reason}.") from None
    state: dict[str, Tensor] = model.state_dict()
    return state


def _from_file(path: Path) -> dict[str, Tensor]:
    if path.suffix not in ENDINGS:
        allowed = ", ".join(ENDINGS)
        raise UserError(f"{path}: give timm:NAME, or a file that ends in one of {allowed}.")
    if not path.is_file():
        raise UserError(f"{path}: there is no such file.")
    read = _read_safetensors if path.suffix == ".safetensors" else _read_torch
    found = _tensors(read(path))
    if not found:
        keys = ", ".join(INSIDE)
        raise UserError(
            f"{path}: holds no weights by name, neither itself nor under one of {keys}."
        )
    return found


def _read_torch(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise UserError(
            f"{path}: holds more than tensors and plain values, or is no such file; what would "
            "need its code to be run is not read."
        ) from None
    except (OSError, RuntimeError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise _unreadable(path, error) from None


def _read_safetensors(path: Path) -> Any:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ModuleNotFoundError:
        raise UserError(
            f"{path}: safetensors is not installed; install the extra: pip install 'dse[timm]'."
        ) from None
    try:
        return load_file(path, device="cpu")
    except (SafetensorError, OSError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> UserError:
    reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
    return UserError(f"{path}: cannot be read: {reason}.")


def _tensors(found: Any) -> dict[str, Tensor]:
    """The tensors by name, of a mapping itself or of the first part that has any."""
    if not isinstance(found, Mapping):
        return {}
    for part in (*(found.get(key) for key in INSIDE), found):
        if isinstance(part, Mapping):
            named = {_plain(k): v for k, v in part.items() if isinstance(v, Tensor)}
            if named:
                return named
    return {}


def _plain(name: object) -> str:
    text = str(name)
    for wrapper in WRAPPERS * 2:  # either may be around the other
        text = text.removeprefix(wrapper)
    return text
