"""The winner's curse: finalists measured again with fresh seeds, with intervals for any of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dse.analysis.estimate import Estimate, FloatArray


@dataclass(frozen=True, kw_only=True)
class Finalist:
    """One finalist. Errors are fractions, infinite where a training ended badly.

    `fresh` is the mean error over its fresh seeds, which its choice knew nothing of; the intervals
    of all finalists hold at once, so that of any one picked by them too. `luck` is `fresh` less
    `first`. `behind` is its true error less the least true one of the other finalists (Hsu 1984):
    wholly above zero, it is not the best. None where a training ended badly or the noise is not
    known.
    """

    name: str
    first: float
    seeds: int
    bad: int
    mean: float
    fresh: Estimate | None
    luck: float
    behind: Estimate | None


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """Finalists, best fresh mean first, with a sentence each and one of conclusion."""

    finalists: tuple[Finalist, ...]
    noise: Estimate | None
    confidence: float
    sentences: tuple[str, ...]
    conclusion: str


def confirm_finalists(
    first: FloatArray,
    fresh: FloatArray,
    names: Sequence[str],
    *,
    noise: Estimate | None = None,
    confidence: float = 0.95,
) -> Confirmation:
    """`first` (k,) errors that chose the finalists, `fresh` (k, s) with `inf` for a bad end.

    `noise` is the seed standard deviation of a training (`reliability`), over noise.n networks with
    two seeds each; None: that of the fresh seeds alone.
    """
    raise NotImplementedError
