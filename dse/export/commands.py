"""The command lines of a full training: timm's train script, and this tool's trainer."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from dse.training.recipe import Recipe

PROCESSES = (8, 4, 2, 1)
MOST_AT_ONCE = 128
"""So many images are computed at once on a GPU, unless the recipe says how many."""


def shares(recipe: Recipe) -> tuple[int, int, int]:
    """Processes, images of each at once, and how often these are accumulated.

    Their product is the recipe's batch size; images are even, as mixup takes them in pairs.

    >>> shares(Recipe())
    (8, 128, 4)
    """
    processes = next(count for count in PROCESSES if recipe.batch_size % (2 * count) == 0)
    share = recipe.batch_size // processes
    most = min(share, recipe.micro_batch or MOST_AT_ONCE)
    at_once = next(size for size in range(most - most % 2, 0, -2) if share % size == 0)
    return processes, at_once, share // at_once


def timm_options(
    recipe: Recipe, *, model: str, classes: int, drop_path_rate: float, data: str = "DATA"
) -> list[list[str]]:
    """Options of timm's train.py (1.0) for a recipe, each with its values.

    `--epochs` counts what follows the warm-up, and rates change at every step: so the schedule
    is the recipe's. Its warm-up reaches the peak one step later, by at most the peak over the
    warm-up's steps.

    Args:
        recipe: of the training.
        model: timm's name of the network.
        classes: outputs of the head.
        drop_path_rate: stochastic depth of the last block.
        data: the folder of images.
    """
    schedule, optimizer, images = recipe.schedule, recipe.optimizer, recipe.images
    _, at_once, accumulated = shares(recipe)
    jitter = images.color_jitter
    evaluated = "bicubic" if images.interpolation == "random" else images.interpolation
    options: list[Sequence[object]] = [
        ["--data-dir", data],
        ["--model", model],
        ["--num-classes", classes],
        ["--img-size", images.resolution],
        ["--crop-pct", images.crop_share],
        ["--interpolation", evaluated],
        ["--batch-size", at_once],
        ["--grad-accum-steps", accumulated],
        ["--epochs", schedule.epochs - schedule.warmup_epochs],
        ["--warmup-epochs", schedule.warmup_epochs],
        ["--warmup-prefix"],
        ["--sched", "cosine"],
        ["--sched-on-updates"],
        ["--lr", schedule.learning_rate],
        ["--warmup-lr", schedule.warmup_learning_rate],
        ["--min-lr", schedule.final_learning_rate],
        ["--opt", optimizer.name],
        ["--weight-decay", optimizer.weight_decay],
        ["--opt-betas", *optimizer.betas] if optimizer.betas else [],
        ["--opt-eps", optimizer.eps] if optimizer.eps else [],
        ["--momentum", optimizer.momentum] if optimizer.momentum is not None else [],
        ["--clip-grad", optimizer.clip_gradient] if optimizer.clip_gradient else [],
        ["--train-interpolation", images.interpolation],
        ["--scale", *images.scale],
        ["--ratio", *images.ratio],
        ["--hflip", images.hflip],
        ["--vflip", images.vflip],
        ["--aa", images.auto_augment] if images.auto_augment else [],
        ["--color-jitter", jitter or 0] if jitter or not images.auto_augment else [],
        ["--reprob", images.random_erasing],
        ["--remode", "pixel"],
        ["--mixup", images.mixup],
        ["--cutmix", images.cutmix],
        ["--mixup-switch-prob", images.switch],
        ["--smoothing", recipe.label_smoothing],
        ["--drop-path", drop_path_rate],
        ["--model-ema"] if recipe.ema else [],
        ["--model-ema-decay", recipe.ema] if recipe.ema else [],
        ["--amp"] if recipe.precision == "bf16" else [],
        ["--amp-dtype", "bfloat16"] if recipe.precision == "bf16" else [],
        ["--channels-last"] if recipe.channels_last else [],
        ["--torchcompile"] if recipe.compile else [],
        ["--seed", recipe.seed],
    ]
    return [[str(part) for part in option] for option in options if option]


def not_in_timm(recipe: Recipe) -> list[str]:
    """Sentences on what of a recipe timm's train.py does not do."""
    images = recipe.images
    sentences = []
    if images.pad is not None:
        sentences.append(
            f"It crops by area and aspect ratio where the recipe pads by {images.pad} px and crops."
        )
    if images.test_resolution not in (None, images.resolution):
        sentences.append(
            f"It evaluates at {images.resolution} px, not at {images.test_resolution}."
        )
    if recipe.precision == "fp32":
        sentences.append("It allows TF32 on GPUs that have it, where the recipe does not.")
    return sentences


def timm_command(options: Sequence[Sequence[str]], *, processes: int) -> str:
    """A line for the shell, to be run in the exported folder."""
    start = f"torchrun --standalone --nproc-per-node={processes} model.py TRAIN_PY"
    return " \\\n".join([start, *(f"  {shlex.join(option)}" for option in options)])


def own_commands(*, processes: int) -> dict[str, str]:
    """This tool's trainer on one GPU, on several of a machine, and on several machines."""
    arguments = "-m dse train train.yaml --data DATA"
    nodes = "--rdzv-backend=c10d --rdzv-endpoint=HOST:29500 --rdzv-id=1"
    return {
        "One GPU": "dse train train.yaml --data DATA",
        f"{processes} GPUs": f"torchrun --standalone --nproc-per-node={processes} {arguments}",
        f"2 machines of {processes} GPUs each, the same command on both": (
            f"torchrun --nnodes=2 --nproc-per-node={processes} {nodes} {arguments}"
        ),
    }
