"""A full training that takes seconds: a few images of three classes, a network of thousands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import yaml

from dse.architecture import Architecture
from dse.network import build
from dse.training.checkpoint import Identity
from dse.training.distributed import Group
from dse.training.images import ImageSets, open_images
from dse.training.loop import Run
from dse.training.recipe import Recipe
from dse.training.report import Report
from dse.training.setting import Setting
from dse.training.step import arithmetic
from tests.proxy.data import made

IDENTITY: Identity = {"recipe": "a", "network": "b"}
ALONE = Group(device=torch.device("cpu"))
SMALL = {
    "depths": [1, 1, 1, 1],
    "dims": [8, 8, 16, 16],
    "kernel_sizes": [3, 3, 3, 3],
    "ls_init_value": None,
}
PLAIN = {"mixup": 0, "cutmix": 0, "auto_augment": None, "random_erasing": 0, "scale": [0.8, 1.0]}


def recipe(*, images: dict[str, Any] | None = None, **changes: Any) -> Recipe:
    """Three epochs of six steps, with all that is random; AdamW is tame, to compare sums."""
    values: dict[str, Any] = {
        "batch_size": 8,
        "schedule": {"epochs": 3, "warmup_epochs": 1, "learning_rate": 4e-3},
        "optimizer": {"eps": 1e-3},
        "images": {"resolution": 32, **(images or {})},
        "drop_path_rate": 0.0,
        "ema": 0.9,
        "precision": "fp32",
    }
    return Recipe.model_validate(values | changes)


def image_folder(folder: Path) -> Path:
    """48 training and 21 test images, made once."""
    root = folder / "images"
    return root if root.exists() else made.image_folder(root, {"train": 16, "val": 7})


def write_training(folder: Path, of: Recipe | None = None, **more: Any) -> Path:
    """`train.yaml` beside its network and images."""
    image_folder(folder)
    (folder / "network.yaml").write_text(yaml.safe_dump({"architecture": SMALL}))
    values = {"network": "network.yaml", "recipe": (of or recipe()).model_dump(mode="json")}
    path = folder / "train.yaml"
    path.write_text(yaml.safe_dump(values | more))
    return path


def network(of: Recipe, sets: ImageSets, **changes: Any) -> torch.nn.Module:
    """The small network with the recipe's first weights."""
    architecture = Architecture.from_dict(
        {**SMALL, "drop_path_rate": of.drop_path_rate or 0.0, **changes}
    )
    with torch.random.fork_rng([]):
        torch.manual_seed(of.seed)
        return build(architecture, in_channels=3, classes=len(sets.classes))


def run(
    folder: Path,
    of: Recipe,
    *,
    name: str = "run",
    report: Report | None = None,
    before: Callable[[Run], None] = lambda run: None,
    setting: dict[str, Any] | None = None,
    identity: Identity = IDENTITY,
    **architecture: Any,
) -> Run:
    """Train in this process in `folder/name`, or go on there."""
    sets = open_images(str(image_folder(folder)), of)
    with arithmetic(of, ALONE.device):
        made = Run(
            network(of, sets, **architecture),
            of,
            sets,
            ALONE,
            setting=Setting(folder=folder / name, **(setting or {})),
            identity=identity,
            report=report or Report(),
        )
        before(made)
        made.train()
    return made


def weights(of: Run) -> dict[str, torch.Tensor]:
    """What counts after a run."""
    return of.training_step.evaluated.state_dict()


def without_seconds(of: Run) -> list[dict[str, Any]]:
    """The rows but for what a clock says."""
    timed = ("seconds", "images_per_second")
    return [{k: v for k, v in vars(row).items() if k not in timed} for row in of.rows]
