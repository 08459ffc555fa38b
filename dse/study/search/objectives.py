"""What a search minimises: the held-out error, and costs beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from dse.errors import UserError
from dse.space.sampling.budget import METRICS

ERROR: Final = "error"
WORST_ERROR: Final = 1.0
"""The error of a training that came to nothing, for the samplers: worse than every other."""


def parse_objectives(names: Sequence[str]) -> tuple[str, ...]:
    """The objectives in the order they are given, the error first.

    >>> parse_objectives(["latency", "error"])
    ('error', 'latency')

    Raises:
        UserError: one is unknown or given twice.
    """
    for name in names:
        if name not in (ERROR, *METRICS):
            raise UserError(f"--objective {name!r}: write error, {', '.join(METRICS)}.")
        if names.count(name) > 1:
            raise UserError(f"--objective {name}: is given twice.")
    return (ERROR, *(name for name in names if name != ERROR))
