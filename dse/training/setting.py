"""How a full training is done, apart from what decides its result."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What changes nothing about the result but its rounding.

    Attributes:
        folder: where everything lands; of process 0 alone.
        workers: processes that make images, for each process that trains.
        micro_batch: images at once at most; None leaves it to the recipe.
        keep_every: seconds between checkpoints within an epoch.
    """

    folder: Path
    workers: int = 0
    micro_batch: int | None = None
    keep_every: float = 600.0
