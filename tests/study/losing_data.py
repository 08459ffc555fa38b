"""The proxy's scorer, with images that are lost on the way; worker processes import it by name."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from dse.store.records import ClaimedTrial, StudyRecord, TrialResult
from dse.study.scorer import OnStep, Scorer, proxy_scorer

IMAGES = "train_images.npy"


def cut_short(folder: Path) -> None:
    """Only the first page of the training images stays."""
    os.truncate(folder / IMAGES, 4096)


def after_a_training(study: StudyRecord, device: str) -> Scorer:
    """The images are cut short when the first training has ended."""
    train = proxy_scorer(study, device)

    def score(trial: ClaimedTrial, on_step: OnStep) -> TrialResult:
        result = train(trial, on_step)
        cut_short(Path(study.proxy["dataset"]["path"]))
        return result

    return score


def vanishes(study: StudyRecord, device: str) -> Scorer:
    """The whole folder is gone when the first training has ended."""
    train = proxy_scorer(study, device)

    def score(trial: ClaimedTrial, on_step: OnStep) -> TrialResult:
        result = train(trial, on_step)
        shutil.rmtree(study.proxy["dataset"]["path"])
        return result

    return score


def in_a_training(study: StudyRecord, device: str) -> Scorer:
    """The images are cut short in the middle of the first training."""
    train = proxy_scorer(study, device)

    def score(trial: ClaimedTrial, on_step: OnStep) -> TrialResult:
        def lose(step: int, steps: int, loss: float) -> None:
            on_step(step, steps, loss)
            cut_short(Path(study.proxy["dataset"]["path"]))

        return train(trial, lose)

    return score
