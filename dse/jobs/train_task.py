"""What `dse train` is given, read, built and looked over before anything starts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from dse.architecture import Architecture
from dse.architecture.catalog import find_architecture
from dse.architecture.cost import Cost, cost
from dse.network import build
from dse.network.initial import load_initial
from dse.network.timm_model import PREFIX
from dse.training.checkpoint import Identity, identity
from dse.training.images import ImageSets, open_images
from dse.training.load import load_training
from dse.training.recipe import Recipe, Training


@dataclass(frozen=True, kw_only=True)
class Task:
    """A training that is ready to start: all that could be wrong with it has been looked at.

    `sentences` say what was loaded of initial weights, and what was not.
    """

    training: Training
    architecture: Architecture
    cost: Cost
    sets: ImageSets
    network: nn.Module
    sentences: Sequence[str]

    @property
    def recipe(self) -> Recipe:
        """Its recipe."""
        return self.training.recipe

    @property
    def data(self) -> str:
        """Name of the data, with a checksum of its classes and labels."""
        digest = hashlib.sha256(json.dumps(self.sets.classes).encode())
        for split in (self.sets.train, self.sets.test):
            digest.update(split.labels.astype("<i8").tobytes() + b"|")
        return f"{self.sets.name} {digest.hexdigest()[:12]}"

    @property
    def identity(self) -> Identity:
        """What makes a checkpoint one of this training."""
        return identity(
            recipe=self.recipe.model_dump(mode="json", exclude={"micro_batch"}),
            network=self.architecture.to_dict(),
            initial=self.training.initial,
            data=self.data,
        )


def prepare(config: str, *, data: str, recipe: str | None, initial: str | None) -> Task:
    """Read and build all that a training needs.

    Raises:
        UserError: a file, a name or a value is wrong, or images are too small for the network.
    """
    training = load_training(config, recipe=recipe)
    if initial is not None:
        training = training.model_copy(update={"initial": initial})
    asked = training.recipe
    architecture = _architecture(config, training)
    # Weights from elsewhere see colours; networks of a proxy see grey images as one channel.
    sets = open_images(data, asked, in_channels=3 if training.initial else None)
    classes, channels = len(sets.classes), sets.in_channels
    size = asked.images.resolution
    price = cost(architecture, resolution=size, in_channels=channels, classes=classes)
    with torch.random.fork_rng([]):
        torch.manual_seed(asked.seed)
        network = build(architecture, in_channels=channels, classes=classes)
    sentences: Sequence[str] = ()
    if training.initial is not None:
        source = initial or _beside(config, training.initial)
        sentences = load_initial(network, architecture, source).sentences
    return Task(
        training=training,
        architecture=architecture,
        cost=price,
        sets=sets,
        network=network,
        sentences=sentences,
    )


def _architecture(config: str, training: Training) -> Architecture:
    """The network that a configuration names, with the recipe's stochastic depth."""
    name = training.network
    is_file = Path(name).suffix in {".yaml", ".yml"}
    found = find_architecture(_beside(config, name) if is_file else name)
    rate = training.recipe.drop_path_rate
    return found if rate is None else replace(found, drop_path_rate=rate)


def _beside(config: str, name: str) -> str:
    """A file that a configuration names, as seen from its folder; `timm:NAME` is none."""
    return name if name.startswith(PREFIX) else str(Path(config).parent / name)
