"""The plain values that go into a store and come out of it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, Literal

from dse.store.plain import Json, flatten

WITHOUT_EFFECT: Final = ("proxy.checkpoint_epochs",)
"""Settings of a study that change no result, and so may differ from those asked for."""

Kind = Literal["survey", "search", "paired", "imported", "training"]
Outcome = Literal["complete", "stopped", "diverged", "out_of_memory", "failed"]

KINDS: Final[tuple[Kind, ...]] = ("survey", "search", "paired", "imported", "training")
OUTCOMES: Final[tuple[Outcome, ...]] = (
    "complete",
    "stopped",
    "diverged",
    "out_of_memory",
    "failed",
)
STATES: Final = ("waiting", "running", *OUTCOMES)


def kind_words(kind: str) -> str:
    """A kind of study as people say it: "a survey"."""
    named = {"imported": "an imported study", "training": "a record of full trainings"}
    return named.get(kind, f"a {kind}")


@dataclass(frozen=True, kw_only=True)
class StudyRecord:
    """What is asked, as plain JSON values: a design space, a budget, a seed, a proxy, a design.

    `kind` and `design` say how networks are chosen and how often each is trained. A name in a
    store stands for one study, another one is refused under it; `space_name` and `provenance` (who
    made the study, with which versions) may differ. What is `imported` was measured elsewhere:
    it has neither budget nor proxy, and its provenance names the file. A `training` holds full
    trainings of networks of another study, which its design names (`of`), and under their numbers
    there; its proxy is the recipe, and the data set.
    """

    name: str
    kind: Kind = "survey"
    space_name: str
    space_hash: str
    space: Json
    budget: Json
    seed: int
    proxy: Json
    design: Json
    provenance: Json

    def differences(self, asked: StudyRecord) -> list[str]:
        """What decides the results and is not the same in `asked`, in words."""
        found = []
        if self.kind != asked.kind:
            found.append(f"it is {kind_words(self.kind)}, asked is {kind_words(asked.kind)}")
        if self.space_hash != asked.space_hash:
            found.append(
                f"its space is {self.space_name} ({self.space_hash[:12]}), "
                f"asked is {asked.space_name} ({asked.space_hash[:12]})"
            )
        there, here = self._settings(), asked._settings()
        found += [
            f"its {key} is {there.get(key)}, asked is {here.get(key)}"
            for key in sorted(there.keys() | here.keys())
            if there.get(key) != here.get(key)
        ]
        return found

    def _settings(self) -> Json:
        """All settings as flat `proxy.recipe.batch_size` keys, values as JSON has them."""
        settings = {key: getattr(self, key) for key in ("seed", "budget", "proxy", "design")}
        flat = flatten(json.loads(json.dumps(settings)))
        return {key: value for key, value in flat.items() if key not in WITHOUT_EFFECT}


@dataclass(frozen=True, kw_only=True)
class CandidateRecord:
    """Network `index` of a study, on paper: FLOPs are multiply-adds, at full resolution.

    Networks count from 0. References from outside the space are -1, -2, ...: they are trained like
    every network and are in no population; their `architecture` only names them. `origin` is what
    a search notes of where the network comes from.
    """

    index: int
    architecture: Json
    hash: str
    flops: int
    params: int
    activations: int
    origin: Json | None = None


@dataclass(frozen=True, kw_only=True)
class ImportedTraining:
    """How a training elsewhere ended; `seed` is its place where the source names none."""

    seed: int
    state: Outcome = "complete"
    reason: str | None = None
    error: float | None = None

    def __post_init__(self) -> None:
        assert (self.state == "complete") == (self.error is not None)
        assert self.error is None or 0 <= self.error <= 1


@dataclass(frozen=True, kw_only=True)
class ImportedNetwork:
    """A network that was measured elsewhere; costs are None where the source tells none.

    Its place in a study's list is its index, a training's place in its list the replicate.
    """

    name: str
    choices: Json
    flops: int | None = None
    params: int | None = None
    activations: int | None = None
    trainings: tuple[ImportedTraining, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TrialRecord:
    """A training to be done: network `index`, for the `replicate`-th time, from `seed`.

    With `until_epoch` it stops after that epoch (from 1) of the proxy's schedule; see
    `Store.train_further`.
    """

    index: int
    replicate: int
    seed: int
    until_epoch: int | None = None


@dataclass(frozen=True, kw_only=True)
class ClaimedTrial:
    """A training that one worker owns for as long as `token` is the trial's newest.

    `checkpoint` is the file in which it may be kept until it is finished, None if there is no
    place for it. With `until_epoch` the result is to be "stopped" after that epoch; `continued`
    says that it was stopped before, and the store has its first epochs.
    """

    trial_id: int
    token: str
    study: str
    index: int
    replicate: int
    seed: int
    architecture: Json
    until_epoch: int | None = None
    continued: bool = False
    checkpoint: Path | None = None


@dataclass(frozen=True, kw_only=True)
class EpochResult:
    """The end of one epoch: mean training loss over it, held-out error (a fraction) after it.

    `grad_norm` is the mean norm of its steps' gradients.
    """

    epoch: int
    step: int
    train_loss: float
    error: float
    grad_norm: float | None = None


@dataclass(frozen=True, kw_only=True)
class TrialResult:
    """How a training ended. `error` (a fraction) and `train_loss` are the final epoch's.

    `epochs` is the whole curve from the first epoch on, also of a training that was resumed. One
    that ended at its `until_epoch` is "stopped" and has no error of its own but in its epochs.
    `learning_rate` is the peak, `micro_batch` the most images that were computed at once.
    """

    state: Outcome
    reason: str | None = None
    error: float | None = None
    train_loss: float | None = None
    epochs: tuple[EpochResult, ...] = ()
    seconds: float | None = None
    cpu_seconds: float | None = None
    test_images: int | None = None
    classes: int | None = None
    device: str | None = None
    dtype: str | None = None
    learning_rate: float | None = None
    micro_batch: int | None = None
    versions: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        assert self.state in OUTCOMES
        assert (self.state == "complete") == (self.error is not None)
        assert self.error is None or 0 <= self.error <= 1


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A full training as the store has it; `was_there` if it was recorded before."""

    study: str
    index: int
    replicate: int
    state: Outcome
    error: float | None
    was_there: bool


@dataclass(frozen=True, kw_only=True)
class MeasurementRecord:
    """One number that was measured on network `index`, with the conditions that it holds under.

    A number is known by network, `name`, `device`, `dtype`, `batch`, `layout` and `resolution`;
    what does not matter to it is left empty (0, ""). `low` and `high` are an interval or a range
    over `n` repeats, `unit` is that of all three numbers: "s", "bytes", "images/s".
    """

    index: int
    name: str
    value: float
    unit: str
    n: int = 1
    low: float | None = None
    high: float | None = None
    device: str = ""
    dtype: str = ""
    batch: int = 0
    layout: str = ""
    resolution: int = 0
    versions: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        assert math.isfinite(self.value)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How many trials are in each state."""

    waiting: int = 0
    running: int = 0
    complete: int = 0
    stopped: int = 0
    diverged: int = 0
    out_of_memory: int = 0
    failed: int = 0

    @property
    def finished(self) -> int:
        """Trials that no worker will touch again unless asked, whatever they came to."""
        return self.complete + self.stopped + self.diverged + self.out_of_memory + self.failed

    @property
    def total(self) -> int:
        """All trials."""
        return self.finished + self.waiting + self.running


assert tuple(field.name for field in fields(Counts)) == STATES
