"""The table of `dse compare`: every pair of spaces, how they differ, and how sure that is."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dse.analysis.corrected import holm
from dse.analysis.distributions import QUARTILES, quantile
from dse.analysis.efficient.control import Adjusted, Measured, adjusted_difference
from dse.analysis.efficient.features import paper_features
from dse.analysis.estimate import Estimate, FloatArray, jsonable
from dse.analysis.intervals import mean_interval
from dse.analysis.population import capped, first_seeds, least_error, outcomes
from dse.analysis.spaces.components import Spread, spread
from dse.analysis.spaces.differences import (
    mean_difference,
    mean_p_value,
    quantile_difference,
    typical_ratio,
)
from dse.analysis.spaces.dominance import Gap, beats, edf_gap
from dse.analysis.spaces.power import networks_for_ks, networks_for_mean
from dse.analysis.spaces.tests import Tested, permutation_tests

FEWEST = 3
"""Networks of a space without which nothing is compared."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """One space: its population, and networks of it on paper for control variates.

    `random_subset` as in `reliability`. `paper` has a row a network, drawn as those of the
    population were and independently of them, with costs and `arch.` columns; None where the space
    cannot be drawn again. With `is_whole` these are all networks of the space, each once.
    """

    name: str
    population: pd.DataFrame
    random_subset: int
    paper: pd.DataFrame | None = None
    is_whole: bool = False


@dataclass(frozen=True, kw_only=True)
class SpaceRow:
    """One space by itself: `bad` of `n` networks ended badly. Errors are fractions.

    `typical` is the geometric mean.
    """

    name: str
    n: int
    bad: int
    median: Estimate
    typical: Estimate
    spread: Spread | None


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A against B: differences are A less B, ratios A over B.

    `quartiles` and `mean` differ by error fractions; `typical` is the ratio of geometric means by
    the errors alone, `adjusted` the same by control variates, with `gain` times as much information
    in a network; None where a space is not on paper. `p_typical`, of the adjusted ratio where there
    is one, `p_ks` and `p_ad` are corrected for all pairs (Holm). `to_tell` networks of each space
    would tell them apart with 80 % power by the interval of `typical`, `to_tell_adjusted` by that
    of `adjusted`, `to_tell_ks` by Kolmogorov-Smirnov's test.
    """

    a: str
    b: str
    n: tuple[int, int]
    bad: tuple[int, int]
    quartiles: tuple[Estimate, ...]
    mean: Estimate
    typical: Estimate
    adjusted: Estimate | None
    gain: float | None
    beats: Estimate
    gap: Gap
    ks: Tested
    ad: Tested
    p_typical: float
    p_ks: float
    p_ad: float
    to_tell: Estimate
    to_tell_adjusted: Estimate | None
    to_tell_ks: float

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values; of the gap, the ranges of error in which it is shown."""
        values = dataclasses.asdict(self)
        del values["gap"]
        ranges = {
            "better_below": self.gap.shown(better=True),
            "worse_below": self.gap.shown(better=False),
        }
        plain = jsonable(values | ranges)
        assert isinstance(plain, dict)
        return plain


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Every space by itself, and every pair that was asked for."""

    spaces: tuple[SpaceRow, ...]
    pairs: tuple[Pair, ...]
    confidence: float


def compare(
    sides: Sequence[Side], *, baseline: bool = False, confidence: float = 0.95, seed: int = 0
) -> Compared:
    """Compare all pairs of spaces, or with `baseline` the first with each other one.

    Statistics are over first trainings that have ended. Typical errors and means count a network
    that ended badly as one that guesses, everything else as worse than every error. p-values are
    corrected by Holm's method over the pairs, each kind by itself; intervals are of one pair each.
    """
    assert len(sides) >= 2, "a comparison is of two spaces"
    found = [_Arm.of(side) for side in sides]
    assert all(len(arm.outcomes) >= FEWEST for arm in found), "a space has too few networks"
    chosen = [
        (i, j) for i, j in itertools.combinations(range(len(sides)), 2) if i == 0 or not baseline
    ]
    pairs = [_pair(found[i], found[j], confidence, seed) for i, j in chosen]
    return Compared(
        spaces=tuple(_row(side, arm, confidence) for side, arm in zip(sides, found, strict=True)),
        pairs=_corrected(pairs),
        confidence=confidence,
    )


def _corrected(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """The pairs with p-values corrected for their number."""
    typical, ks, ad = (
        holm(p) for p in zip(*((x.p_typical, x.p_ks, x.p_ad) for x in pairs), strict=True)
    )
    return tuple(
        dataclasses.replace(pair, p_typical=float(typical[k]), p_ks=float(ks[k]), p_ad=float(ad[k]))
        for k, pair in enumerate(pairs)
    )


@dataclass(frozen=True, kw_only=True)
class _Arm:
    """A side's first trainings, as arrays (n,)."""

    side: Side
    rows: pd.DataFrame
    outcomes: FloatArray
    capped: FloatArray
    logs: FloatArray

    @classmethod
    def of(cls, side: Side) -> _Arm:
        rows = first_seeds(side.population)
        found = outcomes(rows)
        errors = capped(found, rows["classes"])
        return cls(
            side=side,
            rows=rows,
            outcomes=found,
            capped=errors,
            logs=np.log(np.maximum(errors, least_error(rows))),
        )

    @property
    def bad(self) -> int:
        return int(np.isinf(self.outcomes).sum())


def _row(side: Side, arm: _Arm, confidence: float) -> SpaceRow:
    return SpaceRow(
        name=side.name,
        n=len(arm.outcomes),
        bad=arm.bad,
        median=quantile(arm.outcomes, 0.5, confidence),
        typical=typical_ratio(mean_interval(arm.logs, confidence)),
        spread=spread(side.population, side.random_subset, confidence=confidence),
    )


def _pair(a: _Arm, b: _Arm, confidence: float, seed: int) -> Pair:
    """One pair, its p-values not corrected yet."""
    logs = mean_difference(a.logs, b.logs, confidence)
    adjusted = _adjusted(a, b, confidence)
    ks, ad = permutation_tests(a.outcomes, b.outcomes, seed=seed)
    variances = float(a.logs.var(ddof=1)), float(b.logs.var(ddof=1))
    needed = None
    if adjusted is not None:
        left = variances[0] / adjusted.variance_ratio, variances[1] / adjusted.variance_ratio
        needed = networks_for_mean(adjusted.difference, left)
    return Pair(
        a=a.side.name,
        b=b.side.name,
        n=(len(a.outcomes), len(b.outcomes)),
        bad=(a.bad, b.bad),
        quartiles=tuple(
            quantile_difference(a.outcomes, b.outcomes, p, confidence) for p in QUARTILES
        ),
        mean=mean_difference(a.capped, b.capped, confidence),
        typical=typical_ratio(logs),
        adjusted=typical_ratio(adjusted.difference) if adjusted else None,
        gain=adjusted.variance_ratio if adjusted else None,
        beats=beats(a.outcomes, b.outcomes, confidence),
        gap=edf_gap(a.outcomes, b.outcomes, confidence),
        ks=ks,
        ad=ad,
        p_typical=adjusted.p_value if adjusted else mean_p_value(a.logs, b.logs),
        p_ks=ks.p_value,
        p_ad=ad.p_value,
        to_tell=networks_for_mean(logs, variances),
        to_tell_adjusted=needed,
        to_tell_ks=networks_for_ks(a.outcomes, b.outcomes, confidence=confidence, seed=seed),
    )


def _adjusted(a: _Arm, b: _Arm, confidence: float) -> Adjusted | None:
    """The difference of mean logarithms by control variates, where both spaces are on paper."""
    papers = [arm.side.paper for arm in (a, b)]
    if papers[0] is None or papers[1] is None:
        return None
    values = paper_features([a.rows, b.rows, papers[0], papers[1]]).values
    if values[0].shape[1] == 0:
        return None
    first, second = (
        Measured(
            features=values[k],
            outcomes=arm.logs,
            space_means=values[k + 2].mean(axis=0),
            space_n=None if arm.side.is_whole else len(values[k + 2]),
        )
        for k, arm in enumerate((a, b))
    )
    return adjusted_difference(first, second, confidence=confidence)
