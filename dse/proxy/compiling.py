"""When torch.compile pays: it saves a share of every step, and takes a while itself."""

from __future__ import annotations

from statistics import fmean
from typing import Final, Literal

Compile = Literal["never", "auto", "always"]

SAVED: Final = 0.2
"""Share of a captured step's time that compiling is expected to save: an assumption."""
FIRST_GUESS: Final = 60.0
"""Seconds that a compilation is expected to take before this process has seen one."""

_seen: list[float] = []


def pays(remaining: float) -> bool:
    """Whether to compile a network whose training would go on for `remaining` seconds.

    Until this process has compiled one, that is one of more than `FIRST_GUESS / SAVED` seconds.
    """
    return SAVED * remaining > (fmean(_seen) if _seen else FIRST_GUESS)


def note(seconds: float) -> None:
    """Remember what a compilation took."""
    _seen.append(seconds)
