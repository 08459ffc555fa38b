"""One process: what a run does in steps and epochs, after a stop, without memory, diverged."""

from __future__ import annotations

import csv
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from dse.errors import DataError, UserError
from dse.proxy.loop import DivergedError
from dse.training.loop import Run, first_micro_batch
from dse.training.report import Report
from dse.training.signals import Stopped
from dse.training.step import TrainingStep
from tests.training import small


class Ends(Report):
    """Asks its own process to end after a step, and hears all notes."""

    def __init__(self, epoch: int = 0, step: int = 0, number: int = signal.SIGTERM) -> None:
        self.place, self.number, self.notes = (epoch, step), number, list[str]()

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)

    def step(self, epoch: int, step: int, loss: float) -> None:
        if (epoch, step) == self.place:
            os.kill(os.getpid(), self.number)


def assert_equal(one: Run, other: Run) -> None:
    a, b = small.weights(one), small.weights(other)
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert small.without_seconds(one) == small.without_seconds(other)


def assert_close(one: Run, other: Run) -> None:
    torch.testing.assert_close(small.weights(one), small.weights(other), rtol=0, atol=1e-5)


def short_of_memory(above: int, times: int = 10**9) -> Callable[[Run], None]:
    """Lets a run's passes of more than so many images fail at the end of their forward pass."""
    left = [times]

    def spoil(run: Run) -> None:
        def fail(module: Any, inputs: Any, output: Any) -> None:
            if len(inputs[0]) > above and module.training and left[0]:
                left[0] -= 1
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

        run.training_step.network.register_forward_hook(fail)

    return spoil


def test_the_loss_goes_down_and_the_log_has_a_row_an_epoch(tmp_path: Path) -> None:
    schedule = {"epochs": 8, "warmup_epochs": 1, "learning_rate": 1e-2}
    recipe = small.recipe(images=small.PLAIN, label_smoothing=0.0, schedule=schedule)
    run = small.run(tmp_path, recipe)
    assert run.rows[-1].train_loss < 0.6 * run.rows[0].train_loss
    with (tmp_path / "run" / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == list(range(1, 9))
    assert [int(row["steps"]) for row in rows] == [6 * k for k in range(1, 9)]
    assert float(rows[-1]["ema_error"]) == run.rows[-1].counted_error
    assert float(rows[0]["learning_rate"]) == 1e-2  # the end of the warm-up
    assert list((tmp_path / "run" / "tensorboard").glob("events*"))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_stopped_within_an_epoch_goes_on_to_the_same_bits(
    tmp_path: Path, workers: int
) -> None:
    recipe = small.recipe(drop_path_rate=0.3)
    undisturbed = small.run(tmp_path, recipe, name="undisturbed")
    setting = {"workers": workers, "keep_every": 0.0}
    for place in ((1, 6), (2, 3)):
        with pytest.raises(Stopped):
            # losses are read where checkpoints are due: after each step
            small.run(tmp_path, recipe, report=Ends(*place), setting=setting)
    report = Ends()
    resumed = small.run(tmp_path, recipe, report=report, setting=setting)
    assert report.notes == ["Goes on from epoch 2, step 4 of 6."]
    assert_equal(resumed, undisturbed)
    logs = [(tmp_path / name / "log.csv").read_text() for name in ("run", "undisturbed")]
    columns = [[line.split(",")[:11] for line in log.splitlines()] for log in logs]
    assert columns[0] == columns[1]


def test_a_checkpoint_of_another_recipe_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        small.run(tmp_path, small.recipe(), report=Ends(1, 2), setting={"keep_every": 0.0})
    other = {**small.IDENTITY, "recipe": "another"}
    with pytest.raises(UserError, match=r"pt: is of a training with another recipe;"):
        small.run(tmp_path, small.recipe(), identity=other)


def test_a_damaged_newest_checkpoint_gives_way_to_the_one_before(tmp_path: Path) -> None:
    recipe = small.recipe()
    undisturbed = small.run(tmp_path, recipe, name="undisturbed")
    with pytest.raises(Stopped):
        small.run(tmp_path, recipe, report=Ends(2, 3), setting={"keep_every": 0.0})
    kept = sorted((tmp_path / "run" / "checkpoints").iterdir())
    assert len(kept) == 2
    kept[-1].write_bytes(kept[-1].read_bytes()[:1000])
    report = Ends()
    assert_equal(small.run(tmp_path, recipe, report=report), undisturbed)
    assert report.notes == ["Goes on from epoch 2, step 3 of 6."]


def test_micro_batches_change_only_the_rounding(tmp_path: Path) -> None:
    recipe = small.recipe(optimizer={"eps": 1e-3, "clip_gradient": 0.5})
    whole = small.run(tmp_path, recipe, name="whole")
    parts = small.run(tmp_path, recipe, name="parts", setting={"micro_batch": 2})
    assert_close(whole, parts)
    assert not torch.equal(*(next(iter(small.weights(r).values())) for r in (whole, parts)))


def test_the_gradient_is_clipped_to_the_recipes_norm(tmp_path: Path) -> None:
    norms = []

    def watch(run: Run) -> None:
        def note(optimizer: Any, arguments: Any, options: Any) -> None:
            gradients = [p.grad for p in run.training_step.network.parameters()]
            norms.append(torch.nn.utils.get_total_norm(gradients).item())

        run.training_step.optimizer.register_step_pre_hook(note)

    small.run(tmp_path, small.recipe(optimizer={"clip_gradient": 0.01}), before=watch)
    assert norms == pytest.approx([0.01] * 18, rel=1e-3)


@pytest.mark.parametrize("norm", ["layer_norm", "batch_norm"])
def test_without_memory_a_step_is_done_again_in_smaller_parts(tmp_path: Path, norm: str) -> None:
    recipe, report = small.recipe(drop_path_rate=0.3), Ends()
    parts = small.run(tmp_path, recipe, name="parts", setting={"micro_batch": 2}, norm_layer=norm)
    short = small.run(
        tmp_path, recipe, name="short", report=report, before=short_of_memory(2), norm_layer=norm
    )
    assert [note.split(":")[0] for note in report.notes] == [
        "Out of memory with 8 images at once",
        "Out of memory with 4 images at once",
    ]
    assert_equal(short, parts)


def test_what_memory_was_short_once_is_remembered_when_it_goes_on(tmp_path: Path) -> None:
    recipe = small.recipe(drop_path_rate=0.3)
    setting = {"keep_every": 0.0}
    short = small.run(tmp_path, recipe, name="short", before=short_of_memory(4, 1))
    with pytest.raises(Stopped):
        small.run(
            tmp_path, recipe, report=Ends(2, 3), before=short_of_memory(4, 1), setting=setting
        )
    resumed = small.run(tmp_path, recipe, setting=setting)
    assert resumed.micro_batch == 4
    assert_equal(resumed, short)


def test_too_little_memory_for_two_images_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="out of memory with two images"):
        small.run(tmp_path, small.recipe(), before=short_of_memory(0))


def test_other_errors_are_not_taken_for_a_lack_of_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("something else")

    monkeypatch.setattr(TrainingStep, "_piece", fail)
    with pytest.raises(RuntimeError, match="something else"):
        small.run(tmp_path, small.recipe())


def test_a_loss_that_is_not_finite_ends_the_run_with_the_step(tmp_path: Path) -> None:
    def spoil(run: Run) -> None:
        weight = next(run.training_step.network.parameters())
        weight.data.fill_(float("inf"))

    with pytest.raises(DivergedError, match="the training loss became nan at step 1 of 18"):
        small.run(tmp_path, small.recipe(), before=spoil)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_image_ends_the_run_with_its_name_in_one_sentence(
    tmp_path: Path, workers: int
) -> None:
    def spoil(run: Run) -> None:
        for path in (small.image_folder(tmp_path) / "train").rglob("*.png"):
            path.write_bytes(b"no image")

    with pytest.raises(DataError, match=r"^/.*\.png: cannot be read as an image: [^\n]*$"):
        small.run(tmp_path, small.recipe(), before=spoil, setting={"workers": workers})


def test_a_batch_is_shared_by_no_more_processes_than_it_has_pairs() -> None:
    recipe = small.recipe(batch_size=8)
    sizes = {}
    for world in (1, 2, 3, 4):
        group = small.Group(world=world, device=torch.device("cpu"))
        sizes[world] = first_micro_batch(recipe, None, group)
        assert first_micro_batch(recipe, 2, group) == 2
    assert sizes == {1: 8, 2: 4, 3: 4, 4: 2}
    with pytest.raises(UserError, match="batch_size 8: has too few images for 5 processes"):
        first_micro_batch(recipe, None, small.Group(world=5, device=torch.device("cpu")))
