"""The plain values that go into a store and come out of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal

Json = dict[str, Any]

STUDY_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "space": ("name", "parameters"),
    "budget": ("tolerance", "resolution"),
    "proxy": ("dataset",),
    "design": ("kind", "repeat"),
    "provenance": (),
}
NETWORK_KEYS: Final = ("depths", "dims", "kernel_sizes")
REFERENCE_KEYS: Final = ("reference",)
"""What readers of a store rely on in its plain values."""
STAGE_KEYS: Final = ("expansion_ratio", "group_width")
"""What a network may give as one number for all its stages, or as a list of one for each."""

WITHOUT_EFFECT: Final = ("proxy.checkpoint_epochs",)
"""Settings of a study that change no result, and so may differ from those asked for."""

Outcome = Literal["complete", "diverged", "out_of_memory", "failed"]

OUTCOMES: Final[tuple[Outcome, ...]] = ("complete", "diverged", "out_of_memory", "failed")
STATES: Final = ("waiting", "running", *OUTCOMES)


@dataclass(frozen=True, kw_only=True)
class StudyRecord:
    """What is asked, as plain JSON values: a design space, a budget, a seed, a proxy, a design.

    `design` says how networks are chosen and how often each is trained. A store holds one study
    and refuses another; `name`, `space_name` and `provenance` (who made the study, with which
    versions) may differ.
    """

    name: str
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
    every network and are in no population; their `architecture` only names them.
    """

    index: int
    architecture: Json
    hash: str
    flops: int
    params: int
    activations: int


@dataclass(frozen=True, kw_only=True)
class TrialRecord:
    """A training to be done: network `index`, for the `replicate`-th time, from `seed`."""

    index: int
    replicate: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class ClaimedTrial:
    """A training that one worker owns for as long as `token` is the trial's newest.

    `checkpoint` is the file beside the store in which it may be kept until it is finished.
    """

    trial_id: int
    token: str
    index: int
    replicate: int
    seed: int
    architecture: Json
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
class Counts:
    """How many trials are in each state."""

    waiting: int = 0
    running: int = 0
    complete: int = 0
    diverged: int = 0
    out_of_memory: int = 0
    failed: int = 0

    @property
    def finished(self) -> int:
        """Trials that no worker will touch again, whatever they came to."""
        return self.complete + self.diverged + self.out_of_memory + self.failed

    @property
    def total(self) -> int:
        """All trials."""
        return self.finished + self.waiting + self.running


assert tuple(field.name for field in fields(Counts)) == STATES


class DamagedError(Exception):
    """A value that nothing here can have written."""


def require_keys(value: object, keys: Iterable[str], what: str) -> None:
    """Raise `DamagedError` unless a value out of a store is a mapping with these keys."""
    if not isinstance(value, dict):
        raise DamagedError(f"{what} holds no keys and values")
    for key in keys:
        if key not in value:
            raise DamagedError(f"{what} lacks {key}")


def flatten(value: Any, prefix: str = "") -> Json:
    """Nested plain values under dotted keys; places in a list count from 1.

    >>> flatten({"depths": [3, 9], "stem": "patch"})
    {'depths.1': 3, 'depths.2': 9, 'stem': 'patch'}
    """
    if isinstance(value, dict):
        pairs = [(str(key), inner) for key, inner in value.items()]
    elif isinstance(value, list):
        pairs = [(str(place), inner) for place, inner in enumerate(value, start=1)]
    else:
        return {prefix: value}
    return {
        key: leaf
        for name, inner in pairs
        for key, leaf in flatten(inner, f"{prefix}.{name}" if prefix else name).items()
    }


def spell_out_stages(networks: Sequence[Json]) -> list[Json]:
    """The networks with any of `STAGE_KEYS` as a list in all of them if it is one in any.

    So that one choice is found under the same flat keys in every network of a population, also
    where a network's stages happen to agree and it gives one number.

    >>> spell_out_stages([{"depths": [3, 9], "group_width": 8, "stem": "patch"},
    ...                   {"depths": [3, 9], "group_width": [8, 16], "stem": "patch"}])[0]
    {'depths': [3, 9], 'group_width': [8, 8], 'stem': 'patch'}

    Raises:
        DamagedError: a network does not tell its number of stages.
    """
    keys = [key for key in STAGE_KEYS if any(isinstance(n.get(key), list) for n in networks)]
    return [
        network
        | {
            key: [network[key]] * _stages(network)
            for key in keys
            if key in network and not isinstance(network[key], list)
        }
        for network in networks
    ]


def _stages(network: Json) -> int:
    if not isinstance(network["depths"], list):
        raise DamagedError("an architecture's depths are no list")
    return len(network["depths"])
