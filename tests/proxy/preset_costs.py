"""What the presets cost on paper, on the data sets that their commands make."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any

import yaml

from dse.architecture import cost
from dse.architecture.catalog import CATALOG
from dse.proxy.data.prepared import PreparedSpec
from dse.proxy.load import PRESETS, preparing_command
from dse.proxy.recipe import Proxy

NETWORK = CATALOG["convnext_tiny"]
RATE = 25e12
STEP_SECONDS = 0.005
"""The estimates assume so many multiply-adds a second of a GPU, and no shorter step than that;
nothing here measured either."""
LEAST_PER_CLASS = 732
"""The smallest class of ImageNet-1K's training images (Russakovsky et al. 2015)."""
SIZES = (
    "| preset | training images | held out | px | channels | epochs | batch | on disk |\n"
    "|---|---|---|---|---|---|---|---|\n"
)
COSTS = """\
| preset | images seen | steps | multiply-adds | GPU-hours, estimated |
|---|---|---|---|---|
"""


@dataclass(frozen=True, kw_only=True)
class Images:
    """A data set: its classes, training images and held-out images."""

    classes: int
    train: int
    test: int


REAL = {
    "cifar10": Images(classes=10, train=50_000, test=10_000),
    "cifar100": Images(classes=100, train=50_000, test=10_000),
    "folder": Images(classes=1000, train=1_281_167, test=50_000),  # ImageNet-1K
}


def options(command: str) -> dict[str, str]:
    """`--resolution 64` as {"resolution": "64"}, and the source under ""."""
    words = shlex.split(command)
    assert words[:3] == ["dse", "data", "prepare"]
    names = [word.lstrip("-") for word in words[4::2]]
    return {"": words[3], **dict(zip(names, words[5::2], strict=True))}


def made_by(command: str) -> Images:
    """The data set that a preset's command makes of the real one."""
    asked = options(command)
    whole = REAL[asked[""].partition(":")[0]]
    if "classes" not in asked:
        return whole
    classes, per_class = int(asked["classes"]), int(asked["per-class"])
    assert per_class <= LEAST_PER_CLASS, "else some class has fewer"
    return Images(
        classes=classes,
        train=classes * per_class,
        test=classes * whole.test // whole.classes,
    )


def preset(name: str) -> tuple[Proxy, Images]:
    """A preset as if its data set were prepared."""
    data: dict[str, Any] = yaml.safe_load((PRESETS / f"{name}.yaml").read_text())
    command = preparing_command(name)
    if command is None:
        proxy = Proxy.model_validate(data)
        spec = proxy.dataset
        assert not isinstance(spec, PreparedSpec)
        tests = spec.classes * spec.test_per_class
        return proxy, Images(classes=spec.classes, train=spec.train_images, test=tests)
    images = made_by(command)
    data["dataset"] |= {
        "checksum": "0" * 16,
        "resolution": int(options(command)["resolution"]),
        "classes": images.classes,
        "train_images": images.train,
    }
    return Proxy.model_validate(data), images


def multiply_adds(proxy: Proxy, images: Images) -> int:
    """Of one training of `NETWORK`: a backward pass is two forward ones, an evaluation is one.

    With `best_of`, each rate has a training on nine tenths, and evaluations on the other tenth.
    """
    channels = 1 if proxy.dataset.name == "fractals" else 3
    one = cost(
        NETWORK.scaled(proxy.channels),
        resolution=proxy.resolution,
        in_channels=channels,
        classes=images.classes,
    ).flops
    evaluated = proxy.epochs * images.test
    if proxy.choice_steps:
        tried = proxy.choice_steps // proxy.selection_steps
        evaluated += tried * proxy.epochs * proxy.selection_images
    return one * (3 * images_seen(proxy) + evaluated)


def images_seen(proxy: Proxy) -> int:
    """Training images that go through the network, in the choice of the rate too."""
    return (proxy.steps + proxy.choice_steps) * proxy.recipe.batch_size


def hours(proxy: Proxy, work: int) -> float:
    """What a GPU may take, by the assumptions above."""
    return max(work / RATE, (proxy.steps + proxy.choice_steps) * STEP_SECONDS) / 3600


def by_cost(names: list[str]) -> list[str]:
    """The cheapest preset first."""
    return sorted(names, key=lambda name: multiply_adds(*preset(name)))


def size_table(names: list[str]) -> str:
    """What the presets are, as the document has it."""
    return SIZES + "".join(map(_size_row, by_cost(names)))


def cost_table(names: list[str]) -> str:
    """What one training costs, as the document has it."""
    return COSTS + "".join(map(_cost_row, by_cost(names)))


def _size_row(name: str) -> str:
    proxy, images = preset(name)
    size = (images.train + images.test) * 3 * proxy.resolution**2 / 1e9
    on_disk = f"{size:.2g} GB" if size < 10 else f"{size:.0f} GB"
    return _row(
        f"`{name}`",
        f"{proxy.images:,} of {images.classes:,} classes",
        f"{images.test:,}",
        str(proxy.resolution),
        f"{proxy.channels:g}",
        str(proxy.epochs),
        f"{proxy.recipe.batch_size:,}",
        "–" if proxy.dataset.name == "fractals" else on_disk,
    )


def _cost_row(name: str) -> str:
    proxy, images = preset(name)
    work = multiply_adds(proxy, images)
    is_for_cpu = name in ("embedded", "embedded_long")
    return _row(
        f"`{name}`",
        f"{images_seen(proxy):,}",
        f"{proxy.steps + proxy.choice_steps:,}",
        f"{work:.2e}",
        "–" if is_for_cpu else f"{hours(proxy, work):.2g}",
    )


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"
