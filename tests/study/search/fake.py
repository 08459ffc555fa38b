"""Trainings that cost nothing: a made-up error of each network, and a memory that outlives runs."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from dse.architecture import Architecture, Cost
from dse.proxy.load import load_proxy
from dse.store.records import EpochResult, TrialResult
from dse.store.store import Store
from dse.study.search.objectives import ERROR
from dse.study.search.plan import Search
from dse.study.search.records import Asked, Found, Told
from tests.study.searched import sampler

EPOCHS = 4


def error_of(network: Architecture) -> float:
    """A smooth made-up error between 0.2 and 0.9 with one best network, of numbers and choices."""
    depth, width = sum(network.depths), math.log2(network.dims[-1] / network.dims[0])
    kernel = sum(network.kernel_sizes) / len(network.kernel_sizes)
    ratio = network.expansion_ratio
    hidden = sum(ratio) / len(ratio) if isinstance(ratio, tuple) else ratio
    far = (
        ((depth - 16) / 16) ** 2
        + ((network.depths[2 % len(network.depths)] - 8) / 8) ** 2
        + ((width - 2.5) / 2) ** 2
        + ((kernel - 6) / 4) ** 2
        + ((hidden - 3.5) / 4) ** 2
        + 0.3 * (network.norm_layer != "batch_norm")
        + 0.3 * (network.act_layer != "silu")
        + 0.2 * (network.stem != "overlap")
        + 0.1 * (network.norms_per_block - 1)
    )
    return 0.2 + 0.7 * (1 - math.exp(-far))


def curve(network: Architecture, epochs: int = EPOCHS) -> dict[int, float]:
    """Errors that fall by epoch to the last one, the order of networks nearly kept."""
    last = error_of(network)
    wobble = 0.02 * math.sin(1e3 * last)
    return {
        e: last + (0.9 - last) * (epochs - e) / (2 * epochs) + wobble * (epochs - e)
        for e in range(1, epochs)
    } | {epochs: last}


@dataclass
class FakeTrainings:
    """Keeps networks as the text that a store would keep, and notes each epoch that it trains.

    Attributes:
        texts: the networks, as JSON.
        done: how many epochs each training, by (number, replicate), has been through.
        trained: every (number, replicate, epoch) in the order in which they were trained.
        bad: states of the networks that end badly, by number, in the second epoch.
    """

    texts: list[str] = field(default_factory=list)
    done: dict[tuple[int, int], int] = field(default_factory=dict)
    trained: list[tuple[int, int, int]] = field(default_factory=list)
    bad: dict[int, Any] = field(default_factory=dict)

    def asked(self) -> list[Asked]:
        return [_from_json(text) for text in self.texts]

    def add(self, asked: Sequence[Asked]) -> None:
        assert [each.number for each in asked] == [len(self.texts) + k for k in range(len(asked))]
        self.texts += [_to_json(each) for each in asked]

    def train(
        self, numbers: Sequence[int], *, replicate: int = 0, until_epoch: int | None = None
    ) -> list[Told]:
        return [self._train(number, replicate, until_epoch or EPOCHS) for number in numbers]

    def _train(self, number: int, replicate: int, until: int) -> Told:
        errors = curve(_from_json(self.texts[number]).architecture)
        last = min(until, 1) if number in self.bad else until
        for epoch in range(self.done.get((number, replicate), 0) + 1, last + 1):
            self.trained.append((number, replicate, epoch))
            self.done[number, replicate] = epoch
        reached = self.done[number, replicate]
        if number in self.bad and until > 1:
            state = self.bad[number]
        else:
            state = "complete" if reached == EPOCHS else "stopped"
        return Told(
            number=number,
            state=state,
            curve={epoch: errors[epoch] for epoch in range(1, reached + 1)},
            reason="made to" if number in self.bad else None,
            test_images=1000,
        )


class NoBoard:
    """Shows nothing."""

    @contextmanager
    def begin(self, asked: Sequence[Asked]) -> Iterator[None]:
        yield

    def tell(self, found: Sequence[Found]) -> None:
        pass


def make_search(space: str = "convnext", **changes: Any) -> Search:
    """A search of one of the spaces of `tests.study.searched`."""
    objectives = changes.pop("objectives", (ERROR,))
    drawn = dataclasses.replace(sampler(space), seed=changes.pop("seed", 0))
    return Search(sampler=drawn, proxy=load_proxy("embedded"), objectives=objectives, **changes)


def _to_json(asked: Asked) -> str:
    return json.dumps(
        {
            "number": asked.number,
            "architecture": asked.architecture.to_dict(),
            "cost": dataclasses.asdict(asked.cost),
            "params": dict(asked.params),
            "measured": dict(asked.measured),
            "marks": dict(asked.marks),
            "refused": [dict(params) for params in asked.refused],
        }
    )


def _from_json(text: str) -> Asked:
    data = json.loads(text)
    data["architecture"] = Architecture.from_dict(data["architecture"])
    data["cost"] = Cost(**data["cost"])
    data["refused"] = tuple(data["refused"])
    return Asked(**data)


def drain(store: Store, bad: Mapping[int, Any] | None = None) -> None:
    """Do all trainings of a store's study as `FakeTrainings` does them."""
    while trial := store.claim("a worker"):
        errors = curve(Architecture.from_dict(trial.architecture))
        until = trial.until_epoch or EPOCHS
        state = "complete" if until == EPOCHS else "stopped"
        if bad and until > 1:
            state = bad.get(trial.index, state)
        epochs = tuple(
            EpochResult(epoch=e, step=10 * e, train_loss=1.0, error=errors[e])
            for e in range(1, 1 + (until if state in ("complete", "stopped") else 1))
        )
        result = TrialResult(
            state=state,
            error=errors[EPOCHS] if state == "complete" else None,
            epochs=epochs,
            train_loss=1.0,
            test_images=1000,
            classes=4,
        )
        assert store.complete(trial, result)
