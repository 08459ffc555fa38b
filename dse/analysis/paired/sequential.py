"""Looking after every pair: intervals that hold at all times at once, and when to stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from dse.analysis.estimate import Estimate, FloatArray
from dse.analysis.paired.differences import without_skewness

PLANNED = 100
MINIMUM = 20

Decision = Literal["first is better", "second is better", "no difference", "go on"]


@dataclass(frozen=True, kw_only=True)
class ConfidenceSequence:
    """The mean after each pair, from the first look on.

    `n` (looks,) pairs; `mean`, `lower`, `upper` (looks,) in the unit of what was measured. All
    intervals hold at once with `confidence`.
    """

    n: FloatArray
    mean: FloatArray
    lower: FloatArray
    upper: FloatArray
    confidence: float

    def at(self, look: int) -> Estimate:
        """The interval of one look; valid whenever and why ever one chose to look then."""
        return Estimate(
            value=float(self.mean[look]),
            lower=float(self.lower[look]),
            upper=float(self.upper[look]),
            n=int(self.n[look]),
            confidence=self.confidence,
        )


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """What was decided after `difference.n` pairs, or that more are needed."""

    decision: Decision
    difference: Estimate


def boundary(n: FloatArray, confidence: float = 0.95, *, planned: int = PLANNED) -> FloatArray:
    """The t statistic of n pairs that is ever reached with probability 1 - `confidence` at most.

    The likelihood ratio of t, effect sizes mean/sd mixed over N(0, g), is
    (1 + n g)^(-1/2) [(1 + t^2/v) / (1 + t^2/(v (1 + n g)))]^(n/2) with v = n - 1. With normal
    differences of any variance it is a martingale without an effect (Lai 1976; Wang & Ramdas 2024),
    so it ever reaches 1/alpha with probability alpha at most (Ville 1939); this is the t at which
    it does, `inf` while n is too small for any. g makes the sequence about narrowest at `planned`
    pairs (Waudby-Smith et al. 2024).
    """
    alpha = 1 - confidence
    size = -2 * np.log(alpha)
    wide = 1 + n * (size + np.log(size + 1)) / planned
    reached = (wide / alpha**2) ** (1 / n)
    with np.errstate(divide="ignore", invalid="ignore"):
        square = (n - 1) * (reached - 1) / (1 - reached / wide)
    return np.sqrt(np.where(reached < wide, square, np.inf))


def confidence_sequence(
    values: FloatArray,
    confidence: float = 0.95,
    *,
    planned: int = PLANNED,
    minimum: int = MINIMUM,
) -> ConfidenceSequence:
    """Anytime-valid intervals of the mean of `values` (n,), in the order they were measured.

    Differences of pairs, or better their log ratios. From `minimum` pairs on, which is the first
    look: by `boundary`, its t corrected for skewness as in `mean_interval`. Exact for normal values
    but for that correction; for others it rests on the mean of `minimum` being near normal.
    """
    assert len(values) >= minimum >= 3, "the first look needs its pairs"
    assert np.isfinite(values).all(), "a mean needs finite values"
    n = np.arange(1, len(values) + 1, dtype=np.float64)
    centre = float(values[:minimum].mean())  # against cancellation in the powers
    one, two, three = (np.cumsum((values - centre) ** power) / n for power in (1, 2, 3))
    n, one, two, three = (moment[minimum - 1 :] for moment in (n, one, two, three))
    variance = np.maximum(two - one**2, 0)
    variance[variance <= 1e-15 * two] = 0
    mean, spread = one + centre, np.sqrt(variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        skewness = (three - 3 * one * two + 2 * one**3) / spread**3
        reach = boundary(n, confidence, planned=planned) / np.sqrt(n - 1)
        lower = mean - spread * without_skewness(reach, skewness, n)
        upper = mean - spread * without_skewness(-reach, skewness, n)
    unknown = (spread == 0) | np.isinf(reach)  # equal values tell no spread
    lower[unknown], upper[unknown] = -np.inf, np.inf
    return ConfidenceSequence(n=n, mean=mean, lower=lower, upper=upper, confidence=confidence)


def decide(
    values: FloatArray,
    confidence: float = 0.95,
    *,
    margin: float = 0.0,
    planned: int = PLANNED,
    minimum: int = MINIMUM,
) -> Stopped:
    """The first decision that the pairs measured so far allow, whenever one looks.

    One arm is better as soon as the interval leaves out zero; there is no difference worth having
    as soon as it lies within `margin`, in the unit of `values`, on both sides. Either is wrong with
    probability 1 - `confidence` at most, for any number of looks. After the last pair without one:
    go on.
    """
    if len(values) < minimum:
        nothing = Estimate(
            value=float(values.mean()) if len(values) else float("nan"),
            lower=-np.inf,
            upper=np.inf,
            n=len(values),
            confidence=confidence,
        )
        return Stopped(decision="go on", difference=nothing)
    found = confidence_sequence(values, confidence, planned=planned, minimum=minimum)
    first, second = found.upper < 0, found.lower > 0
    alike = (found.lower > -margin) & (found.upper < margin)
    ready = np.flatnonzero(first | second | alike)
    if not ready.size:
        return Stopped(decision="go on", difference=found.at(-1))
    look = int(ready[0])
    decision: Decision = "no difference"
    if not alike[look]:
        decision = "first is better" if first[look] else "second is better"
    return Stopped(decision=decision, difference=found.at(look))
