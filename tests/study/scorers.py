"""Scorers that cost nothing; worker processes import them by name."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from dse.errors import UserError
from dse.store.records import ClaimedTrial, StudyRecord, TrialResult
from dse.study.scorer import OnStep, Scorer
from tests.store.records import result


def error_of(trial: ClaimedTrial) -> float:
    """A made-up result that depends on the network and the seed alone."""
    depth: int = trial.architecture["depths"][1]
    return (trial.seed * 7919 + depth * 104_729) % 1000 / 1000


def instant(study: StudyRecord, device: str) -> Scorer:
    """Every training ends at once, network 3's in a bad way."""

    def score(trial: ClaimedTrial, on_step: OnStep) -> TrialResult:
        on_step(10, 20, 2.5)
        if trial.index == 3:
            return result(None, state="diverged", reason="the loss became nan", epochs=())
        return result(error_of(trial))

    return score


def quick(study: StudyRecord, device: str) -> Scorer:
    """The results of `slow` at once."""

    def score(trial: ClaimedTrial, on_step: OnStep) -> TrialResult:
        return result(error_of(trial))

    return score


def slow(study: StudyRecord, device: str) -> Scorer:
    """Trainings of 0.2 seconds; every start is noted in the folder that the study names."""
    starts = Path(study.provenance["folder"])

    def score(trial: ClaimedTrial, on_step: OnStep) -> TrialResult:
        (starts / f"pid {os.getpid()}").touch()
        for step in range(1, 11):
            time.sleep(0.02)
            on_step(step, 10, 1 / step)
        return result(error_of(trial))

    return score


def endless(study: StudyRecord, device: str) -> Scorer:
    """A training that never ends and never speaks."""
    starts = Path(study.provenance["folder"])

    def score(trial: ClaimedTrial, on_step: OnStep) -> TrialResult:
        (starts / f"pid {os.getpid()}").touch()
        time.sleep(600)
        raise AssertionError

    return score


def stuck(study: StudyRecord, device: str) -> Scorer:
    """A training in which no other thread of the worker gets its turn."""
    starts = Path(study.provenance["folder"])

    def score(trial: ClaimedTrial, on_step: OnStep) -> TrialResult:
        (starts / f"pid {os.getpid()}").touch()
        sum(range(10**12))  # in C, with Python's lock held
        raise AssertionError

    return score


def raising(study: StudyRecord, device: str) -> Scorer:
    """Networks 0 to 2 fail in their own ways, the others are well."""
    errors: dict[int, Exception] = {
        0: ValueError("kernel does not fit"),
        1: MemoryError("no memory"),
        2: RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes"),
    }

    def score(trial: ClaimedTrial, on_step: OnStep) -> TrialResult:
        if trial.index in errors:
            raise errors[trial.index]
        return result(error_of(trial))

    return score


def kills_its_worker_once(study: StudyRecord, device: str) -> Scorer:
    """Network 1's first training is killed."""
    mark = Path(study.provenance["folder"]) / "killed"

    def score(trial: ClaimedTrial, on_step: OnStep) -> TrialResult:
        if trial.index == 1 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return result(error_of(trial))

    return score


def kills_its_worker(study: StudyRecord, device: str) -> Scorer:
    """Network 1's training is killed every time."""

    def score(trial: ClaimedTrial, on_step: OnStep) -> TrialResult:
        if trial.index == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return result(error_of(trial))

    return score


class AcceleratorError(RuntimeError):
    """Named as torch's."""


def _loses_device(study: StudyRecord, *, always: bool) -> Scorer:
    mark = Path(study.provenance["folder"]) / "lost"
    lost = False

    def score(trial: ClaimedTrial, on_step: OnStep) -> TrialResult:
        nonlocal lost
        if trial.index == 1 and (always or not mark.exists()):
            mark.touch()
            lost = True
        if lost:  # every training that follows in this process fails too
            raise AcceleratorError("CUDA error: device-side assert triggered")
        return result(error_of(trial))

    return score


def loses_device_once(study: StudyRecord, device: str) -> Scorer:
    """Network 1's first training breaks the device for its process."""
    return _loses_device(study, always=False)


def loses_device(study: StudyRecord, device: str) -> Scorer:
    """Network 1's training breaks the device for its process every time."""
    return _loses_device(study, always=True)


def dies_at_once(study: StudyRecord, device: str) -> Scorer:
    """A worker that cannot even start."""
    os._exit(3)


def lacks_data(study: StudyRecord, device: str) -> Scorer:
    """A mistake of the user's that shows only in the workers."""
    raise UserError("digits.npz: there is no such file.")


def is_wrong(study: StudyRecord, device: str) -> Scorer:
    """A mistake of the program's."""
    raise KeyError("oops")


def reports_environment(study: StudyRecord, device: str) -> Scorer:
    """Writes down what the worker process was started with."""
    folder = Path(study.provenance["folder"])

    def score(trial: ClaimedTrial, on_step: OnStep) -> TrialResult:
        apart = os.getsid(0) == os.getpid()
        (folder / "environment").write_text(f"{os.environ['OMP_NUM_THREADS']} {apart} {device}")
        return result()

    return score


def slow_steps(study: StudyRecord, device: str) -> Scorer:
    """A training of a minute in steps of a hundredth of a second."""
    starts = Path(study.provenance["folder"])

    def score(trial: ClaimedTrial, on_step: OnStep) -> TrialResult:
        (starts / f"pid {os.getpid()}").touch()
        for step in range(6000):
            time.sleep(0.01)
            on_step(step, 6000, 1.0)
        return result(error_of(trial))

    return score


def short(study: StudyRecord, device: str) -> Scorer:
    """The results of `quick` after a second in ten steps."""

    def score(trial: ClaimedTrial, on_step: OnStep) -> TrialResult:
        for step in range(1, 11):
            time.sleep(0.1)
            on_step(step, 10, 1 / step)
        return result(error_of(trial))

    return score
