"""What goes between a search, which chooses networks, and whoever trains them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from dse.architecture.cost import Cost
from dse.architecture.spec import Architecture

Params = Mapping[str, Any]
"""Optuna's parameters by name, those of `dse.study.suggest`, as JSON values."""
State = Literal["complete", "stopped", "diverged", "out_of_memory", "failed"]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Network `number` of a search, from 0, as Optuna's sampler asked for it.

    Attributes:
        number: it belongs to generation `number // generation size`.
        architecture: inside the budget.
        cost: at the budget's resolution.
        params: what the sampler chose.
        measured: latency [s] and memory [bytes], where they are objectives.
        marks: what the sampler must find again in later generations.
        refused: what it chose before, in order, that cannot meet the budget or a predicate.
    """

    number: int
    architecture: Architecture
    cost: Cost
    params: Params
    measured: Mapping[str, float] = field(default_factory=dict)
    marks: Mapping[str, int] = field(default_factory=dict)
    refused: tuple[Params, ...] = ()

    def value(self, objective: str) -> float:
        """What is known of the network before it is trained: params, latency, ..."""
        found = self.measured.get(objective)
        return float(getattr(self.cost, objective)) if found is None else found


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a training has come to.

    Attributes:
        number: of the network.
        state: `stopped` where it ended, as asked, before its last epoch.
        curve: held-out error (a fraction) after each epoch, by epoch from 1.
        reason: why it ended badly.
        test_images: how many held-out images are behind an error.
    """

    number: int
    state: State
    curve: Mapping[int, float]
    reason: str | None = None
    test_images: int = 0

    @property
    def error(self) -> float | None:
        """Held-out error after the last epoch; None unless complete."""
        return self.curve[max(self.curve)] if self.state == "complete" else None

    @property
    def ended_badly(self) -> bool:
        """Whether the training came to nothing."""
        return self.state not in ("complete", "stopped")


@dataclass(frozen=True, kw_only=True)
class Found:
    """A network of a search, and what its first training has come to."""

    asked: Asked
    told: Told


class Trainings(Protocol):
    """Keeps what a search asked for, and has it trained.

    It survives the search: what is asked and done stays, whenever the search is killed.
    """

    def asked(self) -> Sequence[Asked]:
        """All networks that were asked for, by number."""
        ...

    def add(self, asked: Sequence[Asked]) -> None:
        """Keep further networks, all or none; their numbers follow on."""
        ...

    def train(
        self, numbers: Sequence[int], *, replicate: int = 0, until_epoch: int | None = None
    ) -> Sequence[Told]:
        """Train networks and wait; what is done is not done again.

        Args:
            numbers: of networks that were added.
            replicate: 0 for the first seed of each network, 1 for a fresh one.
            until_epoch: stop each training after this epoch, counted from 1; it goes on from there
                when it is asked for again. None for the last.

        Returns:
            one for each number, in this order, with the curve up to `until_epoch` at least.
        """
        ...
