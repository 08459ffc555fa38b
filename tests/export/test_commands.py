"""timm's train script, told so, does the recipe's training."""

from __future__ import annotations

import argparse
import dataclasses
import math
import shlex
from typing import Any

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from dse.export.commands import not_in_timm, own_commands, shares, timm_command, timm_options
from dse.jobs.exported import make_form
from dse.network import build
from dse.network.timm_model import import_timm
from dse.training.recipe import Images, Optimizer, Recipe, Schedule
from tests.export.networks import network

IMAGENET = make_form().recipe
PER_EPOCH = 1251

# What timm's released parts read of the train script's options, by its names and types.
WHOLE = ("epochs", "warmup_epochs", "batch_size", "grad_accum_steps", "num_classes", "img_size")
NUMBERS = (
    *("lr", "warmup_lr", "min_lr", "weight_decay", "opt_eps", "momentum", "clip_grad"),
    *("crop_pct", "hflip", "vflip", "color_jitter", "reprob", "mixup", "cutmix"),
    *("mixup_switch_prob", "smoothing", "drop_path", "model_ema_decay"),
)
PAIRS = ("opt_betas", "scale", "ratio")
FLAGS = (
    *("warmup_prefix", "sched_on_updates", "model_ema", "amp", "channels_last", "torchcompile"),
)
TEXTS = ("data_dir", "model", "sched", "opt", "aa", "remode", "amp_dtype", "interpolation")


def parsed(recipe: Recipe, drop_path_rate: float = 0.1) -> argparse.Namespace:
    """The exported line as the train script reads it."""
    options = timm_options(recipe, model="dse_x", classes=10, drop_path_rate=drop_path_rate)
    line = timm_command(options, processes=8)
    words = shlex.split(line.replace("\\\n", " "))
    assert words[:5] == ["torchrun", "--standalone", "--nproc-per-node=8", "model.py", "TRAIN_PY"]
    parser = argparse.ArgumentParser(allow_abbrev=False)
    settings: dict[str, dict[str, Any]] = {
        **{name: {"type": int} for name in (*WHOLE, "seed")},
        **{name: {"type": float} for name in NUMBERS},
        **{name: {"type": float, "nargs": "+"} for name in PAIRS},
        **{name: {"action": "store_true"} for name in FLAGS},
        **{name: {} for name in (*TEXTS, "train_interpolation")},
    }
    for name, how in settings.items():
        parser.add_argument(f"--{name.replace('_', '-')}", **how)
    parser.set_defaults(momentum=0.9)
    return parser.parse_args(words[5:])


def published(schedule: Schedule, per_epoch: int) -> np.ndarray:
    """ConvNeXt's own rates by iteration (Liu et al. 2022, their `cosine_scheduler`)."""
    warmup = np.linspace(
        schedule.warmup_learning_rate,
        schedule.learning_rate,
        schedule.warmup_epochs * per_epoch,
    )
    left = schedule.epochs * per_epoch - len(warmup)
    low, high = schedule.final_learning_rate, schedule.learning_rate
    cosine = [low + 0.5 * (high - low) * (1 + math.cos(math.pi * i / left)) for i in range(left)]
    return np.concatenate([warmup, cosine])


def test_the_schedule_is_the_published_one_at_every_step() -> None:
    import_timm()
    from timm.scheduler import create_scheduler_v2, scheduler_kwargs

    arguments = parsed(IMAGENET)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=arguments.lr)
    scheduler, epochs = create_scheduler_v2(
        optimizer, **scheduler_kwargs(arguments), updates_per_epoch=PER_EPOCH
    )
    assert epochs == 300
    found = [optimizer.param_groups[0]["lr"]]
    for update in range(1, epochs * PER_EPOCH):
        scheduler.step_update(num_updates=update)
        found.append(optimizer.param_groups[0]["lr"])
    expected = published(IMAGENET.schedule, PER_EPOCH)
    assert len(expected) == len(found) == 300 * PER_EPOCH
    assert np.abs(np.array(found) - expected).max() < 1e-6


def test_the_optimizer_decays_what_the_published_one_decays() -> None:
    import_timm()
    from timm.optim import create_optimizer_v2, optimizer_kwargs

    model = build(network("convnextv2_atto"), classes=10)
    optimizer = create_optimizer_v2(model, **optimizer_kwargs(parsed(IMAGENET)))
    assert type(optimizer) is torch.optim.AdamW
    decays = {
        id(parameter): group["weight_decay"]
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    for name, parameter in model.named_parameters():
        is_free = parameter.ndim == 1 or name.endswith(".bias")
        assert decays[id(parameter)] == (0.0 if is_free else 0.05), name
    for group in optimizer.param_groups:
        assert (group["lr"], group["betas"], group["eps"]) == (4e-3, (0.9, 0.999), 1e-8)


def test_images_are_evaluated_as_the_recipe_says() -> None:
    import_timm()
    from timm.data import resolve_data_config

    config = resolve_data_config(vars(parsed(IMAGENET)))
    assert config["input_size"] == (3, 224, 224)
    assert (config["crop_pct"], config["interpolation"]) == (0.875, "bicubic")


def test_every_value_of_the_recipe_is_told() -> None:
    recipe = Recipe(
        batch_size=96,
        micro_batch=6,
        schedule=Schedule(epochs=9, warmup_epochs=2, learning_rate=0.5),
        optimizer=Optimizer(name="sgd", betas=None, eps=None, momentum=0.8, clip_gradient=3),
        images=Images(resolution=32, auto_augment=None, interpolation="random", vflip=0.25),
        ema=None,
        precision="fp32",
        channels_last=False,
        compile=True,
        seed=5,
    )
    found = parsed(recipe, 0.3)
    assert (found.epochs, found.warmup_epochs, found.lr) == (7, 2, 0.5)
    assert (found.opt, found.momentum, found.clip_grad, found.opt_betas) == ("sgd", 0.8, 3, None)
    assert (found.aa, found.color_jitter, found.vflip) == (None, 0, 0.25)
    assert (found.train_interpolation, found.interpolation) == ("random", "bicubic")
    assert (found.batch_size, found.grad_accum_steps) == (6, 2)
    assert (found.amp, found.model_ema, found.channels_last) == (False, False, False)
    assert (found.torchcompile, found.seed, found.drop_path) == (True, 5, 0.3)
    images = parsed(IMAGENET)
    assert (images.mixup, images.cutmix, images.mixup_switch_prob) == (0.8, 1.0, 0.5)
    assert (images.reprob, images.remode, images.aa) == (0.25, "pixel", "rand-m9-mstd0.5-inc1")
    assert (images.smoothing, images.model_ema_decay) == (0.1, 0.9999)
    assert (images.amp, images.amp_dtype) == (True, "bfloat16")


EVEN = st.integers(1, 5_000).map(lambda half: 2 * half)


@given(batch=EVEN, micro=st.none() | EVEN)
def test_gpus_times_images_times_accumulation_is_the_batch(batch: int, micro: int | None) -> None:
    processes, at_once, accumulated = shares(Recipe(batch_size=batch, micro_batch=micro))
    assert processes * at_once * accumulated == batch
    assert at_once <= (micro or 128)
    assert at_once % 2 == 0


def test_what_timm_does_otherwise_is_told() -> None:
    assert not_in_timm(IMAGENET) == []
    other = IMAGENET.model_copy(
        update={"images": Images(pad=4, test_resolution=288), "precision": "fp32"}
    )
    padded, evaluated, precision = not_in_timm(other)
    assert "pads by 4 px" in padded
    assert "not at 288" in evaluated
    assert "TF32" in precision


def test_this_tools_lines_are_for_one_gpu_several_and_several_machines() -> None:
    one, many, machines = own_commands(processes=8).values()
    assert one == "dse train train.yaml --data DATA"
    for line in (many, machines):
        assert line.endswith("-m dse train train.yaml --data DATA")
        assert "--nproc-per-node=8" in line
    assert "--nnodes=2" in machines


def test_the_networks_own_drop_path_rate_is_taken_where_the_recipe_has_none() -> None:
    form = make_form()
    a = dataclasses.replace(network("convnext_tiny"), drop_path_rate=0.4)
    assert form.drop_path_rate(a) == 0.1
    free = form.recipe.model_copy(update={"drop_path_rate": None})
    assert dataclasses.replace(form, recipe=free).drop_path_rate(a) == 0.4
