"""A full training that has ended, as plain values for `result.json` and for a store."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from dse.architecture import Architecture


@dataclass(frozen=True, kw_only=True)
class TrainedEpoch:
    """The end of one epoch: mean losses over it and on the test images, held-out error after it.

    `epoch` counts from 1, `step` the optimizer's steps since the beginning; `error` is a fraction,
    `seconds` are the epoch's. What is not known, or not finite, is None.
    """

    epoch: int
    step: int
    train_loss: float | None
    test_loss: float | None
    error: float | None
    learning_rate: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Trained:
    """How a full training ended.

    Attributes:
        network: what was trained.
        index: its number in the study that it is from; None where it is from none.
        error: the final epoch's, a fraction of `test_images`; None if it diverged.
        state, reason: `diverged` with a sentence that says how, or `complete`.
        epochs: the whole curve from the first epoch on.
        test_images, classes: of the data.
        seed: of everything random.
        recipe: all values of `dse.training.recipe.Recipe`, as JSON has them.
        initial: the weights it began with, as `--init` names them; None for fresh ones.
        data: name and checksum of the images.
        device: as people say it.
        versions: of the libraries that decide the result.
        seconds: of the whole training, over all its beginnings.
    """

    network: Architecture
    index: int | None
    error: float | None
    state: Literal["complete", "diverged"]
    reason: str | None = None
    epochs: tuple[TrainedEpoch, ...]
    test_images: int
    classes: int
    seed: int
    recipe: Mapping[str, Any]
    initial: str | None = None
    data: str
    device: str
    versions: Mapping[str, str]
    seconds: float

    def __post_init__(self) -> None:
        assert (self.state == "complete") == (self.error is not None)
        assert self.error is None or 0 <= self.error <= 1

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, which has no number that is not finite."""
        epochs = [_finite(asdict(epoch)) for epoch in self.epochs]
        values = dict(vars(self)) | {"recipe": dict(self.recipe), "versions": dict(self.versions)}
        return values | {"network": self.network.to_dict(), "epochs": epochs}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; other keys are ignored."""
        known = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
        epochs = tuple(
            TrainedEpoch(**{n: e[n] for n in TrainedEpoch.__dataclass_fields__ if n in e})
            for e in known.pop("epochs")
        )
        return cls(**known | {"network": Architecture.from_dict(values["network"])}, epochs=epochs)


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values.items()
    }
