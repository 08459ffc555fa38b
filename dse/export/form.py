"""What is wanted of an export beside the networks themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from dse.architecture import Architecture
from dse.errors import UserError
from dse.network.build import Network, build
from dse.network.weights import reshaped
from dse.training.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Form:
    """How networks are exported.

    Attributes:
        recipe: of the full training, with the resolution that the network is made for.
        classes: outputs of the head.
        weights: a state dict of the one network that is exported; None for fresh weights.
        onnx: whether `model.onnx` is written.
    """

    recipe: Recipe = field(default_factory=Recipe)
    classes: int = 1000
    weights: Path | None = None
    onnx: bool = False

    def drop_path_rate(self, a: Architecture) -> float:
        """Stochastic depth of the last block in the full training."""
        rate = self.recipe.drop_path_rate
        return a.drop_path_rate if rate is None else rate

    @property
    def resolution(self) -> int:
        """Pixels along a side of an evaluated image."""
        images = self.recipe.images
        return images.test_resolution or images.resolution


def network_with_weights(a: Architecture, form: Form) -> Network:
    """The network with the weights of a file, or with those of seed 0.

    Raises:
        UserError: the file cannot be read, or is of another network.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build(a, classes=form.classes)
    if form.weights is not None:
        state = _read(form.weights)
        try:
            network.load_state_dict(reshaped(state, network.state_dict()))
        except UserError as error:
            raise UserError(f"{form.weights}: {error}") from None
    return network.eval()


def _read(path: Path) -> Mapping[str, Tensor]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}.") from None
    except Exception:  # whatever a damaged or foreign file leads torch to
        raise UserError(f"{path}: is no state dict that torch can read safely.") from None
    plain = isinstance(state, Mapping) and all(isinstance(x, Tensor) for x in state.values())
    if not plain:
        raise UserError(f"{path}: holds something else than a state dict of tensors.")
    return dict(state)
