"""A proxy: the reduced task on which networks are compared, and how they are trained on it."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from dse.config import Config, Document, load_config, load_document, mistake_at
from dse.errors import UserError
from dse.proxy.data.prepared import PreparedSpec
from dse.proxy.datasets import FractalSpec

PRESETS: Final = Path(__file__).parent / "presets"
SOURCES: Final = ("fractals", "prepared")

Rate = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Momentum = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]


class Recipe(Config):
    """AdamW with a linear warm-up and a half-cosine decay of the learning rate.

    `warmup` is a share of all steps. Weight decay spares biases, norms and layer scale. A batch
    has two images at least, as batch norm needs them.
    """

    batch_size: Annotated[int, Field(ge=2)] = 64
    learning_rate: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 2e-3
    final_learning_rate: Rate = 0.0
    warmup: Rate = 0.2
    weight_decay: Rate = 0.05
    betas: tuple[Momentum, Momentum] = (0.9, 0.999)
    label_smoothing: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.1

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.final_learning_rate > self.learning_rate:
            raise ValueError(
                f"final_learning_rate {self.final_learning_rate:g} is above learning_rate "
                f"{self.learning_rate:g}"
            )
        return self


def _source(data: Any) -> str:
    """By which of the data sets to read a `dataset`."""
    if isinstance(data, dict):
        return str(data.get("source", SOURCES[0]))
    return str(getattr(data, "source", SOURCES[0]))


DatasetSpec = Annotated[
    Annotated[FractalSpec, Tag("fractals")] | Annotated[PreparedSpec, Tag("prepared")],
    Discriminator(_source),
]
"""The data set of a proxy, told by its `source`."""


class Proxy(Config):
    """Four reductions of the real task (EcoNAS, Zhou et al. 2020), a data set and a recipe.

    `channels` is the fraction of a network's widths that is kept, `resolution` in pixels,
    `train_images` the number of training images used (null: all), stratified over the classes.
    """

    dataset: DatasetSpec = FractalSpec()
    channels: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.25
    resolution: Annotated[int, Field(ge=16, le=1024)] = 32
    train_images: Annotated[int, Field(ge=2)] | None = None
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 4
    recipe: Recipe = Recipe()

    @field_validator("dataset", mode="before")
    @classmethod
    def _known_source(cls, dataset: Any) -> Any:
        if isinstance(dataset, dict) and _source(dataset) not in SOURCES:
            sentence = f"is {dataset['source']!r}; it must be {' or '.join(SOURCES)}"
            raise mistake_at(("source",), sentence)
        return dataset

    @model_validator(mode="after")
    def _check(self) -> Self:
        used, available = self.images, self.dataset.train_images
        prepared = self.dataset.resolution if isinstance(self.dataset, PreparedSpec) else None
        if prepared not in (None, self.resolution):
            raise ValueError(
                f"resolution is {self.resolution}, but the data set is prepared at {prepared} px."
            )
        if used > available:
            raise ValueError(f"train_images is {used}, but the data set has only {available}.")
        if self.recipe.batch_size > used:
            raise ValueError(
                f"recipe.batch_size is {self.recipe.batch_size}, but only {used} images are "
                "trained on."
            )
        return self

    @property
    def images(self) -> int:
        """Training images used."""
        return self.dataset.train_images if self.train_images is None else self.train_images

    @property
    def steps(self) -> int:
        """Optimizer steps of one training; the last, smaller batch of an epoch is left out."""
        return self.epochs * (self.images // self.recipe.batch_size)


def load_proxy(name_or_path: str) -> Proxy:
    """A preset by its name, or a proxy described in a YAML file.

    The path of a prepared data set is read as seen from the file's folder, and becomes absolute.

    Raises:
        UserError: there is no such preset or file, or the file holds a mistake (it names the line).
    """
    if name_or_path in preset_names():
        return load_config(Proxy, PRESETS / f"{name_or_path}.yaml")
    if Path(name_or_path).suffix in {".yaml", ".yml"}:
        document = load_document(name_or_path)
        return document.parse(Proxy, _from_here(document))
    near = difflib.get_close_matches(name_or_path, preset_names(), n=1, cutoff=0.0)
    raise UserError(
        f"proxy {name_or_path!r}: there is no such preset; did you mean {near[0]!r}? Presets: "
        f"{', '.join(preset_names())}; or give a file that ends in .yaml."
    )


def _from_here(document: Document) -> dict[str, Any]:
    dataset = document.data.get("dataset")
    if not isinstance(dataset, dict) or not isinstance(dataset.get("path"), str):
        return document.data
    path = (document.path.parent / Path(dataset["path"]).expanduser()).resolve()
    return document.data | {"dataset": dataset | {"path": str(path)}}


def preset_names() -> list[str]:
    """The presets that come with the package."""
    return sorted(path.stem for path in PRESETS.glob("*.yaml"))
