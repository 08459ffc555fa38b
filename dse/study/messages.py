"""What a worker tells the process that started it. Small, frequent and of no consequence: if one
is lost with its worker, the store still knows everything."""

from __future__ import annotations

from dataclasses import dataclass

from dse.store.records import Outcome


@dataclass(frozen=True, kw_only=True)
class Started:
    """A training begins."""

    index: int
    replicate: int


@dataclass(frozen=True, kw_only=True)
class Step:
    """A training has come this far."""

    index: int
    replicate: int
    step: int
    steps: int
    loss: float


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A training ended and is in the store; `error` is a fraction."""

    index: int
    replicate: int
    state: Outcome
    error: float | None
    reason: str | None


@dataclass(frozen=True)
class Idle:
    """No trial waits any more; the worker does until told to go on."""


@dataclass(frozen=True, kw_only=True)
class Lost:
    """The device is lost to this worker, which ends without a result; a new one may have it."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Broken:
    """The worker cannot work at all and ends. `mendable`: the text is for the user, in a line."""

    text: str
    mendable: bool


Message = Started | Step | Finished | Idle | Lost | Broken
