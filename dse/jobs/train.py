"""`dse train` from start to end: prepare, go on from a checkpoint or begin, train, hand over."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import torch

from dse.errors import UserError
from dse.files import write_whole
from dse.jobs.train_task import Task, prepare
from dse.proxy.device import device_name, usable_cores
from dse.proxy.loop import DivergedError
from dse.training.checkpoint import require_same
from dse.training.distributed import Group, joined
from dse.training.loop import Run, first_micro_batch
from dse.training.recipe import Origin
from dse.training.report import Report, reporting
from dse.training.result import RESULT, WEIGHTS, read_result, result_text, versions, write_weights
from dse.training.setting import Setting
from dse.training.signals import Stopped
from dse.training.step import arithmetic
from dse.training.trained import Trained, TrainedEpoch
from dse.units import CONVENTION, format_count

DIVERGED_CODE: Final = 1


def train_job(
    config: str,
    *,
    data: str,
    output: str | None = None,
    recipe: str | None = None,
    initial: str | None = None,
    workers: int | None = None,
    micro_batch: int | None = None,
    keep_every: float = 600.0,
    as_json: bool = False,
) -> int:
    """Train one network fully, or go on with it; the process's exit code.

    0 is a finished training, 1 one that diverged, 128 + n one that signal n stopped and that the
    same command goes on with. Every process that torchrun starts calls this alike.

    Raises:
        UserError: of a mistake, in process 0.
    """
    folder = Path(output) if output is not None else Path(config).parent / "run"
    with joined() as group:
        task = group.together(lambda: prepare(config, data=data, recipe=recipe, initial=initial))
        setting = Setting(
            folder=folder,
            workers=default_workers(group) if workers is None else workers,
            micro_batch=micro_batch,
            keep_every=keep_every,
        )
        found = group.together(lambda: ended_before(folder, task) if group.leads else None)
        found = group.first(found)
        steps = len(task.sets.train) // task.recipe.batch_size
        epochs = task.recipe.schedule.epochs
        with reporting(group, epochs=epochs, steps=steps, as_json=as_json) as report:
            if found is None:
                try:
                    found = _train(task, group, setting, report)
                except Stopped as stopped:
                    report.note(f"Stopped and kept in {folder}; the same command goes on.")
                    return 128 + stopped.signal
            else:
                report.note(f"{folder}: this training has ended already; nothing is done twice.")
            if group.leads:
                _tell(found, folder, report, as_json)
                _record(task.training.origin, found, report)
    return DIVERGED_CODE if found["state"] == "diverged" else 0


def default_workers(group: Group) -> int:
    """Processes that make images: beside a GPU up to eight, beside a CPU none, as it is busy."""
    if group.device.type == "cpu":
        return 0
    return max(1, min(8, usable_cores() // max(1, torch.cuda.device_count())))


def ended_before(folder: Path, task: Task) -> Mapping[str, Any] | None:
    """What this training left in the folder, if it has ended there.

    Raises:
        UserError: it is a file, or another training has ended there.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: is a file; name a folder to train in.")
    found = read_result(folder)
    if found is not None:
        require_same(folder / RESULT, found.get("identity", {}), task.identity)
    return found


def _train(task: Task, group: Group, setting: Setting, report: Report) -> Mapping[str, Any]:
    """Train to the end; what `result.json` then holds."""
    recipe = task.recipe
    for sentence in (*_plan(task, group, setting), *task.sentences):
        report.note(sentence)
    with arithmetic(recipe, group.device):
        run = Run(
            task.network,
            recipe,
            task.sets,
            group,
            setting=setting,
            identity=task.identity,
            report=report,
        )
        reason = None
        try:
            run.train()
        except DivergedError as error:
            reason = str(error)
        found = _result(task, group, run, reason)
        if group.leads:
            if reason is None:
                write_weights(setting.folder / WEIGHTS, run.training_step.evaluated)
            write_whole(setting.folder / RESULT, found)
            run.checkpoints.clear()
    return dict(json.loads(found))


def _plan(task: Task, group: Group, setting: Setting) -> list[str]:
    """What will be done, in sentences."""
    recipe, sets = task.recipe, task.sets
    schedule, steps = recipe.schedule, len(sets.train) // recipe.batch_size
    at_once = first_micro_batch(recipe, setting.micro_batch, group)
    processes = "1 process" if group.world == 1 else f"{group.world} processes"
    return [
        f"Network    {task.training.network}: {format_count(task.cost.flops, 'FLOPs')}, "
        f"{format_count(task.cost.params)} parameters at {recipe.images.resolution} px; "
        f"{CONVENTION}",
        f"Data       {sets.name}: {len(sets.train):,} training and {len(sets.test):,} test images "
        f"of {len(sets.classes):,} classes",
        f"Recipe     {schedule.epochs} epochs of {steps:,} steps of {recipe.batch_size} images, "
        f"{recipe.optimizer.name} at {schedule.learning_rate:g}, {recipe.precision}, "
        f"seed {recipe.seed}",
        f"Device     {device_name(group.device)}, {processes}, up to {at_once} images at once",
        f"Folder     {setting.folder}: the same command goes on after any kill",
    ]


def _result(task: Task, group: Group, run: Run, reason: str | None) -> str:
    """The text of `result.json`."""
    recipe, rows = task.recipe, run.rows
    trained = Trained(
        network=task.architecture,
        index=task.training.origin.index if task.training.origin else None,
        error=rows[-1].counted_error if reason is None else None,
        state="complete" if reason is None else "diverged",
        reason=reason,
        epochs=tuple(
            TrainedEpoch(
                epoch=row.epoch,
                step=row.steps,
                train_loss=row.train_loss,
                test_loss=row.counted_loss,
                error=row.counted_error,
                learning_rate=row.learning_rate,
                seconds=row.seconds,
            )
            for row in rows
        ),
        test_images=len(task.sets.test),
        classes=len(task.sets.classes),
        seed=recipe.seed,
        recipe=recipe.model_dump(mode="json"),
        initial=task.training.initial,
        data=task.data,
        device=device_name(group.device),
        versions=versions(),
        seconds=sum(row.seconds for row in rows),
    )
    origin = task.training.origin
    last = rows[-1] if rows else None
    top5 = None
    if last is not None and reason is None:
        top5 = last.top5_error if last.ema_error is None else last.ema_top5_error
    return result_text(
        trained,
        top5_error=top5,
        averaged_weights=recipe.ema is not None,
        images_per_second=last.images_per_second if last else None,
        processes=group.world,
        micro_batch=run.micro_batch,
        origin=origin.model_dump(mode="json") if origin else None,
        cost={
            **asdict(task.cost),
            "resolution": recipe.images.resolution,
            "convention": CONVENTION,
        },
        class_names=list(task.sets.classes),
        in_channels=task.sets.in_channels,
        identity=task.identity,
    )


def _record(origin: Origin | None, found: Mapping[str, Any], report: Report) -> None:
    """Report the training to the study that its network is from, if it is from one."""
    if origin is not None:
        from dse.jobs.trained import record_training  # a store takes long to import

        report.note(record_training(origin, Trained.from_dict(found)))


def _tell(found: Mapping[str, Any], folder: Path, report: Report, as_json: bool) -> None:
    """Say how it ended."""
    if as_json:
        print(json.dumps({"folder": str(folder), **found}), file=sys.stdout, flush=True)
    elif found["state"] == "diverged":
        report.note(f"Diverged: {found['reason']}; {folder / RESULT} says how far it came.")
    else:
        low, high = found["error_interval"]["low"], found["error_interval"]["high"]
        weights = "averaged weights" if found["averaged_weights"] else "weights"
        report.note(
            f"Error {found['error']:.2%} (95 % interval over n = {found['test_images']:,} test "
            f"images {low:.2%} to {high:.2%}; one seed) after the final epoch, of the {weights} in "
            f"{folder / WEIGHTS}"
        )
