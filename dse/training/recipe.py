"""A full training's recipe: everything that decides its result, as people write it in YAML."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from dse.config import Config

Rate = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
PositiveRate = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Decay = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Resolution = Annotated[int, Field(ge=16, le=1024)]


class Schedule(Config):
    """Learning rates by iteration: a linear warm-up, then half a cosine over the other epochs.

    `warmup_epochs` are part of `epochs`. Rates are those of a batch of `Recipe.batch_size`.
    """

    epochs: Annotated[int, Field(ge=1, le=10_000)] = 300
    warmup_epochs: Annotated[int, Field(ge=0)] = 20
    learning_rate: PositiveRate = 4e-3
    warmup_learning_rate: Rate = 0.0
    final_learning_rate: Rate = 1e-6

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.warmup_epochs >= self.epochs:
            raise ValueError(
                f"warmup_epochs is {self.warmup_epochs}, which leaves none of epochs {self.epochs}"
            )
        for name in ("warmup_learning_rate", "final_learning_rate"):
            if getattr(self, name) > self.learning_rate:
                raise ValueError(f"{name} is above learning_rate {self.learning_rate:g}")
        return self


class Optimizer(Config):
    """`name` is one of timm's optimizers; 1-D parameters and biases are never decayed.

    Null `betas`, `eps` and `momentum` are the optimizer's own (timm's `sgd`: Nesterov's, 0.9).
    `clip_gradient` bounds the norm of all gradients; null does not.
    """

    name: str = "adamw"
    betas: tuple[Decay, Decay] | None = (0.9, 0.999)
    eps: Positive | None = 1e-8
    momentum: Decay | None = None
    weight_decay: Share = 0.05
    clip_gradient: Positive | None = None


class Images(Config):
    """What is done to training images and to those of the evaluation (timm's names and meanings).

    Attributes:
        resolution: pixels along a side in training.
        scale, ratio: RandomResizedCrop's range of areas and of aspect ratios.
        pad: instead of RandomResizedCrop: pad by so many pixels and crop at random, as is usual for
            small images; null takes RandomResizedCrop.
        hflip, vflip: probabilities.
        color_jitter: its strength; null where `auto_augment` does it.
        auto_augment: a policy as timm writes it, such as `rand-m9-mstd0.5-inc1`.
        random_erasing: its probability; the rectangle is filled with noise pixel by pixel.
        mixup, cutmix: alpha of their Beta distributions, 0 is off; `switch` is the probability of
            cutmix where both are on.
        test_resolution: null is that of training.
        crop_share: share of the resized image's side that is evaluated (224 of 256: 0.875).
    """

    resolution: Resolution = 224
    scale: tuple[Share, Share] = (0.08, 1.0)
    ratio: tuple[Positive, Positive] = (3 / 4, 4 / 3)
    pad: Annotated[int, Field(ge=0, le=64)] | None = None
    interpolation: Literal["bicubic", "bilinear", "random"] = "bicubic"
    hflip: Share = 0.5
    vflip: Share = 0.0
    color_jitter: Share | None = None
    auto_augment: str | None = "rand-m9-mstd0.5-inc1"
    random_erasing: Share = 0.25
    mixup: Annotated[float, Field(ge=0, le=100)] = 0.8
    cutmix: Annotated[float, Field(ge=0, le=100)] = 1.0
    switch: Share = 0.5
    test_resolution: Resolution | None = None
    crop_share: Annotated[float, Field(gt=0, le=1)] = 0.875


class Recipe(Config):
    """How one network is trained fully; the defaults are ConvNeXt-T's 300 epochs on ImageNet-1K.

    Liu et al. 2022, "A ConvNet for the 2020s", Table 5.

    Attributes:
        batch_size: images of one step over all processes, whatever their number and memory; even,
            as mixup mixes pairs.
        micro_batch: images a process computes at once at most, even; null is as many as its share,
            and half, a quarter, ... of that where the memory does not suffice.
        label_smoothing: also of mixed labels.
        drop_path_rate: null leaves the network's own.
        ema: decay of an exponential moving average of the weights, which is then what is evaluated;
            null: none.
        precision: bf16 is autocast, on a CPU too; fp32 is neither that nor TF32.
        compile: whether the network goes through torch.compile.
        seed: of everything random: first weights, order, augmentation, dropped paths.
    """

    batch_size: Annotated[int, Field(ge=2, multiple_of=2)] = 4096
    micro_batch: Annotated[int, Field(ge=2, multiple_of=2)] | None = None
    schedule: Schedule = Schedule()
    optimizer: Optimizer = Optimizer()
    images: Images = Images()
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.1
    drop_path_rate: Annotated[float, Field(ge=0, lt=1)] | None = None
    ema: Annotated[float, Field(gt=0, lt=1)] | None = 0.9999
    precision: Literal["bf16", "fp32"] = "bf16"
    channels_last: bool = True
    compile: bool = False
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0


class Origin(Config):
    """The network's place in a study, to whose store a finished training is reported."""

    store: str
    study: str
    index: Annotated[int, Field(ge=0)]


class Training(Config):
    """`train.yaml`: what `dse train` is given.

    `network` is a file with an `architecture`, as seen from this file's folder, or a catalog name;
    `initial` are weights to begin with: `timm:NAME` or a file.
    """

    format: Literal[1] = 1
    network: str
    origin: Origin | None = None
    initial: str | None = None
    recipe: Recipe = Recipe()
