"""A proxy: the reduced task on which networks are compared, and how they are trained on it."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from dse.config import Config, mistake_at
from dse.proxy.augment import Augment
from dse.proxy.compiling import Compile
from dse.proxy.data.prepared import PreparedSpec
from dse.proxy.datasets import FractalSpec
from dse.proxy.device import Precision

SOURCES: Final = ("fractals", "prepared")

Rate = Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)]
PositiveRate = Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Momentum = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]


class RangeTest(Config):
    """A learning-rate range test (Smith 2017): one sweep of `steps` steps from `low` to `high`.

    The rate is that at which the smoothed loss is lowest, divided by `margin`.
    """

    low: PositiveRate = 1e-4
    high: PositiveRate = 1e-1
    steps: Annotated[int, Field(ge=10, le=10_000)] = 40
    margin: Annotated[float, Field(ge=1, le=100, allow_inf_nan=False)] = 1.0

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low {self.low:g} is not below high {self.high:g}")
        return self


class RateChoice(Config):
    """A learning rate chosen for every network by itself, in one of two ways.

    One rate for all networks confounds what is compared, as batch norm and layer norm want
    different ones. `range_test` costs a few steps, `best_of` a training for each rate.
    """

    range_test: RangeTest | None = None
    best_of: Annotated[tuple[PositiveRate, ...], Field(min_length=2, max_length=20)] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.range_test is None) == (self.best_of is None):
            raise ValueError("must be a number, or hold range_test or best_of")
        if self.best_of and len(set(self.best_of)) < len(self.best_of):
            raise ValueError("best_of holds a rate twice")
        return self

    def in_words(self) -> str:
        """Where the rate comes from."""
        if self.range_test:
            test = self.range_test
            return f"at each network's rate (range test, {test.low:g} to {test.high:g})"
        assert self.best_of
        return f"at each network's best of {', '.join(f'{rate:g}' for rate in self.best_of)}"

    @property
    def lowest(self) -> float:
        """No lower rate can be chosen."""
        if self.range_test:
            return self.range_test.low
        assert self.best_of
        return min(self.best_of)


def _is_choice(value: object) -> str:
    plain = isinstance(value, int | float | str) and not isinstance(value, bool)
    return "number" if plain else "choice"


LearningRate = Annotated[
    Annotated[PositiveRate, Tag("number")] | Annotated[RateChoice, Tag("choice")],
    Discriminator(_is_choice),
]


class Recipe(Config):
    """How a network is trained: by default AdamW, a linear warm-up and a half-cosine decay.

    Attributes:
        batch_size: images of a step; two at least, as batch norm needs them.
        micro_batch: images computed at once, the gradients being summed up to the whole batch's;
            null: all, or half of them, a quarter, ... where the memory does not suffice.
        optimizer: `adamw` (Loshchilov & Hutter 2019) or `sgd` with Nesterov's momentum.
        learning_rate: the peak, one number for all networks or a `RateChoice` for each.
        final_learning_rate: where `cosine` and `linear` end.
        schedule: after the warm-up: `cosine`, `linear` or `constant`.
        warmup: share of all steps in which the rate rises linearly to its peak.
        weight_decay: spares biases, norms and layer scale.
        betas: of AdamW.
        momentum: of SGD.
        ema: decay of an exponential moving average of the weights and norm statistics; with it, the
            averaged network is what is measured, and not the trained one. null: no averaging.
        precision: `auto` is bfloat16 where the hardware multiplies it natively, else float32.
        compile: on a GPU, whether the forward pass goes through torch.compile: `never`, `always`,
            or `auto`, where the training is expected to become shorter by more than it costs. The
            results differ by rounding, and with `auto` the time decides whether they do.
    """

    batch_size: Annotated[int, Field(ge=2)] = 64
    micro_batch: Annotated[int, Field(ge=2)] | None = None
    optimizer: Literal["adamw", "sgd"] = "adamw"
    learning_rate: LearningRate = 2e-3
    final_learning_rate: Rate = 0.0
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: Share = 0.2
    weight_decay: Share = 0.05
    betas: tuple[Momentum, Momentum] = (0.9, 0.999)
    momentum: Momentum = 0.9
    label_smoothing: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.1
    ema: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] | None = None
    precision: Precision = "auto"
    compile: Annotated[Compile, Field(exclude_if=lambda value: value == "never")] = "never"
    augment: Augment = Augment()

    @model_validator(mode="after")
    def _check(self) -> Self:
        rate = self.learning_rate
        lowest = rate.lowest if isinstance(rate, RateChoice) else rate
        if self.final_learning_rate > lowest:
            raise ValueError(
                f"final_learning_rate {self.final_learning_rate:g} is above learning_rate "
                f"{lowest:g}"
            )
        if self.optimizer == "sgd" and self.momentum == 0:
            raise ValueError("momentum is 0, but sgd has Nesterov's momentum, which needs one")
        return self

    def in_words(self) -> str:
        """Optimizer, learning rate, schedule and what is not as usual, in a line."""
        rate = self.learning_rate
        name = {"adamw": "AdamW", "sgd": "SGD"}[self.optimizer]
        shape = "" if self.schedule == "constant" else f" and {self.schedule}"
        words = [
            f"{name} {rate.in_words() if isinstance(rate, RateChoice) else f'{rate:g}'}",
            f"warm-up{shape}",
        ]
        if not self.augment.is_off:
            words.append(f"augmented ({', '.join(self.augment.model_dump(exclude_defaults=True))})")
        if self.ema:
            words.append(f"averaged weights ({self.ema:g})")
        return ", ".join(words)

    @property
    def parts(self) -> int:
        """In how many parts a batch is computed, each of two images at least."""
        if self.micro_batch is None:
            return 1
        return min(-(-self.batch_size // self.micro_batch), self.most_parts)

    @property
    def most_parts(self) -> int:
        """The most parts of two images at least."""
        return self.batch_size // 2


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

    `checkpoint_epochs` says how often a training is kept so that it resumes where it was after a
    kill; null: at the end of an epoch, once a minute. It changes no result.
    """

    dataset: DatasetSpec = FractalSpec()
    channels: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.25
    resolution: Annotated[int, Field(ge=16, le=1024)] = 32
    train_images: Annotated[int, Field(ge=2)] | None = None
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 4
    recipe: Recipe = Recipe()
    checkpoint_epochs: Annotated[int, Field(ge=1)] | None = None

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
        if self._best_of and self.recipe.batch_size > used - self.selection_images:
            raise ValueError(
                f"recipe.batch_size is {self.recipe.batch_size}, but best_of chooses the rate on "
                f"only {used - self.selection_images} of {used} images."
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

    @property
    def selection_images(self) -> int:
        """A tenth of the training images, the last: on them `best_of` chooses the rate."""
        return -(-self.images // 10)

    @property
    def selection_steps(self) -> int:
        """Optimizer steps of one training of `best_of`, which does without the tenth."""
        return self.epochs * ((self.images - self.selection_images) // self.recipe.batch_size)

    @property
    def choice_steps(self) -> int:
        """Optimizer steps before the training proper, in which the learning rate is chosen."""
        rate = self.recipe.learning_rate
        if isinstance(rate, RateChoice) and rate.range_test:
            return rate.range_test.steps
        return len(self._best_of) * self.selection_steps

    @property
    def _best_of(self) -> tuple[float, ...]:
        rate = self.recipe.learning_rate
        return (rate.best_of or ()) if isinstance(rate, RateChoice) else ()
