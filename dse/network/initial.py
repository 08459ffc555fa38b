"""Weights to begin a training with: what fits is loaded, what does not is told, name by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from dse.architecture.spec import Architecture
from dse.errors import UserError
from dse.network.weight_files import read_weights
from dse.network.weights import role_names, same_but_ones

MISSING: Final = "not in the file"


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What came of loading weights into a network.

    Attributes:
        source: `timm:NAME`, or the file.
        naming: whose names the file has: "dse", "timm" or "Hugging Face".
        loaded: the network's parameters and buffers that now have the file's values.
        left: those that keep their fresh values, each with the reason.
        unused: what the file has and the network has not, by its names there.
    """

    source: str
    naming: str
    loaded: tuple[str, ...]
    left: tuple[tuple[str, str], ...]
    unused: tuple[str, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """All of it in words, with every name; layers that differ by their number are joined."""
        whole = len(self.loaded) + len(self.left)
        told = [
            f"{self.source}: {len(self.loaded)} of {whole} tensors of the network were loaded, by "
            f"{self.naming}'s names."
        ]
        missing = [name for name, reason in self.left if reason == MISSING]
        if missing:
            told.append(f"{_fresh(missing)}, not being in the file: {_listed(missing)}.")
        others: dict[str, list[str]] = {}
        for name, reason in self.left:
            if reason != MISSING:
                others.setdefault(reason, []).append(name)
        if others:
            each = [f"{_listed(names)}: {reason}" for reason, names in others.items()]
            count = [name for names in others.values() for name in names]
            told.append(f"{_fresh(count)}, being different in the file: {'; '.join(each)}.")
        if self.unused:
            told.append(
                f"{len(self.unused)} of the file are not in the network: {_listed(self.unused)}."
            )
        return tuple(told)


def load_initial(network: nn.Module, architecture: Architecture, source: str) -> Loaded:
    """Load weights into a network built from `architecture`, wherever their shapes allow.

    The file's names are taken as this program's, timm's or Hugging Face's ConvNeXt's, whichever fit
    most. Linear and 1x1 convolution are one another's. A tensor of another shape, as the head's for
    other classes, stays fresh as a whole.

    Args:
        network: changed in place.
        architecture: what it was built from.
        source: `timm:NAME`, for which the network is asked unless a cache has it, or a file that
            ends in .pt, .pth or .safetensors.

    Raises:
        UserError: the weights cannot be read, hold a number that is not finite, or none fits.
    """
    ours = network.state_dict()
    theirs = read_weights(source)
    namings = {"dse": {name: name for name in ours}} | role_names(ours, architecture)
    fits = {key: _fitting(ours, theirs, names) for key, names in namings.items()}
    best = max(fits, key=lambda key: len(fits[key]))
    names, found = namings[best], fits[best]
    if not any(name.endswith("weight") for name in found):
        raise UserError(
            f"{source}: nothing in it fits this network, by its own names, timm's or Hugging "
            f"Face's; it holds {', '.join(list(theirs)[:3])}, ..."
        )
    with torch.no_grad():
        for name, tensor in found.items():
            ours[name].copy_(tensor.reshape(ours[name].shape))
    left = tuple(
        (name, _why(ours[name], theirs.get(names.get(name, ""))))
        for name in ours
        if name not in found
    )
    known = set(names.values())
    return Loaded(
        source=source,
        naming=best.partition(":")[0],
        loaded=tuple(found),
        left=left,
        unused=tuple(name for name in theirs if name not in known),
    )


def _fitting(
    ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor], names: Mapping[str, str]
) -> dict[str, Tensor]:
    """Their tensors by our names, those that can be loaded."""
    pairs = {name: theirs[names[name]] for name in ours if names.get(name) in theirs}
    return {name: tensor for name, tensor in pairs.items() if _fits(ours[name], tensor)}


def _fits(ours: Tensor, theirs: Tensor) -> bool:
    same_kind = ours.is_floating_point() == theirs.is_floating_point()
    return same_kind and same_but_ones(ours.shape, theirs.shape)


def _why(ours: Tensor, theirs: Tensor | None) -> str:
    if theirs is None:
        return MISSING
    if ours.is_floating_point() != theirs.is_floating_point():
        return f"another type {theirs.dtype} instead of {ours.dtype}"
    return f"another shape {tuple(theirs.shape)} instead of {tuple(ours.shape)}"


def _fresh(names: Sequence[str]) -> str:
    return f"{len(names)} keep{'s its' if len(names) == 1 else ' their'} fresh values"


def _listed(names: Iterable[str]) -> str:
    """Names with their parts together, and blocks that differ by their number alone as a range.

    >>> _listed(["a.blocks.0.fc.weight", "a.blocks.0.fc.bias", "a.blocks.1.fc.weight"])
    'a.blocks.0.fc (weight, bias), a.blocks.1.fc (weight)'
    >>> _listed([f"a.blocks.{k}.fc.weight" for k in (0, 1, 2, 4)])
    'a.blocks.{0-2,4}.fc (weight)'
    """
    layers: dict[str, list[str]] = {}
    for name in names:
        layer, _, part = name.rpartition(".")
        layers.setdefault(layer, []).append(part)
    alike: dict[tuple[str, str, tuple[str, ...]], list[int]] = {}
    for layer, parts in layers.items():
        before, number, after = _numbered(layer)
        alike.setdefault((before, after, tuple(parts)), []).append(number)
    return ", ".join(
        f"{before}{_ranges(numbers)}{after} ({', '.join(parts)})"
        for (before, after, parts), numbers in alike.items()
    )


def _numbered(layer: str) -> tuple[str, int, str]:
    """A layer's name around the number of its block; -1 where it is in none."""
    match = re.fullmatch(r"(.*\b(?:blocks|layers)\.)(\d+)(\..*)?", layer)
    return (match[1], int(match[2]), match[3] or "") if match else (layer, -1, "")


def _ranges(numbers: Sequence[int]) -> str:
    if numbers == [-1]:
        return ""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    told = ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
    return told if len(numbers) == 1 else f"{{{told}}}"
