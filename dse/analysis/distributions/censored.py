"""The distribution of errors of which some are known only to lie between two bounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from dse.analysis.distributions.bands import BandKind
from dse.analysis.distributions.edf import Edf, edf
from dse.analysis.estimate import FloatArray
from dse.analysis.population import BAD_STATES


@dataclass(frozen=True, kw_only=True)
class PartlyKnown:
    """Bounds `lower` and `upper` (n,) on every network's outcome; equal where it is known.

    A training that ended badly has `inf` twice. One that still runs, or was stopped, has a lower
    and an upper bound, 0 and `inf` where nothing is known.
    """

    lower: FloatArray
    upper: FloatArray

    def __post_init__(self) -> None:
        assert self.lower.shape == self.upper.shape, "two bounds a network"
        assert (self.lower <= self.upper).all(), "a lower bound is not above the upper"

    @property
    def n(self) -> int:
        """How many networks there are, known or not."""
        return self.lower.size

    def words(self, unknown: str) -> str:
        """What a legend has to say; `unknown` says what is done about those that are not known."""
        bad = int(np.isinf(self.lower).sum())
        partly = int((self.lower != self.upper).sum())
        text = f"n = {self.n}"
        if bad:
            text += f", of these {bad} ended badly and count as worse than every error"
        if partly:
            text += f"; {partly} not or only partly known: {unknown}"
        return text


def partly_known(rows: pd.DataFrame) -> PartlyKnown:
    """Bounds on the outcome of each training of a population, whatever its state is.

    What is not complete and did not end badly (stopped, running, waiting) may have any outcome: an
    error after some epochs bounds that of the last epoch on neither side.
    """
    error = rows["error"].to_numpy(dtype=np.float64, na_value=np.nan)
    complete = (rows["state"] == "complete").to_numpy()
    assert np.isfinite(error[complete]).all(), "a complete training has an error"
    bad = rows["state"].isin(BAD_STATES).to_numpy()
    return PartlyKnown(
        lower=np.where(complete, error, np.where(bad, np.inf, 0.0)),
        upper=np.where(complete, error, np.inf),
    )


@dataclass(frozen=True, kw_only=True)
class BoundedEdf:
    """Between which two EDFs the one of all outcomes lies, whatever is not known.

    `least` counts networks that are surely below an error, `most` those that may be. `words` are
    for the legend.
    """

    least: Edf
    most: Edf
    words: str

    def at(self, error: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """The least and the greatest share of networks below an error."""
        return self.least.at(error), self.most.at(error)

    def band_at(self, error: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """The confidence band around both."""
        return self.least.band_at(error)[0], self.most.band_at(error)[1]


def worst_case_edf(
    outcomes: PartlyKnown, confidence: float = 0.95, band: BandKind = "equal_levels"
) -> BoundedEdf:
    """Bounds on the EDF that assume nothing of the outcomes that are not known (Manski 1989).

    The share of upper bounds below e <= F(e) <= the share of lower bounds below e. The band goes
    from the lower bound of the former's to the upper bound of the latter's: with the given
    confidence at least it holds the true curve by DKW, of which each side misses with alpha/2 at
    most; at equal levels but for the chance that both sides would miss.
    """
    least, most = (
        edf(bound[np.isfinite(bound)], outcomes.n, confidence, band)
        for bound in (outcomes.upper, outcomes.lower)
    )
    return BoundedEdf(least=least, most=most, words=outcomes.words("curve and band by bounds"))


def kaplan_meier(outcomes: PartlyKnown, confidence: float = 0.95) -> Edf:
    """The EDF where outcomes are known or bounded from below, if bounds say nothing but that.

    The product-limit estimator (Kaplan & Meier 1958) takes a network with a lower bound for one
    like all others that are not below it. So whether and where a training is cut off must not
    depend on how good it would have become: a limit of time may do, stopping the bad ones does not.
    The band is pointwise: Greenwood's variance (1926) on the scale ln(-ln S). A network of which
    nothing is known adds nothing.

    No outcome may be bounded from above only: see `worst_case_edf`.
    """
    known = outcomes.lower == outcomes.upper
    assert np.isinf(outcomes.upper[~known]).all(), "Kaplan-Meier needs bounds from below alone"
    assert known.any(), "Kaplan-Meier needs a known outcome"
    finite = known & np.isfinite(outcomes.upper)
    errors, ended = np.unique(outcomes.lower[finite], return_counts=True)
    left = outcomes.n - np.searchsorted(np.sort(outcomes.lower), errors, side="left")
    above = np.asarray(np.cumprod(1 - ended / left), dtype=np.float64)
    variance = np.cumsum(ended / (left * np.maximum(left - ended, 1)))
    lower, upper = _greenwood(above, np.asarray(variance, dtype=np.float64), confidence)
    return Edf(
        errors=errors,
        fraction=1 - above,
        lower=lower,
        upper=upper,
        upper_before=float(upper[0]) if upper.size else 1.0,
        band="greenwood",
        n=outcomes.n,
        effective_n=float(outcomes.n),
        confidence=confidence,
    )


def _greenwood(
    above: FloatArray, variance: FloatArray, confidence: float
) -> tuple[FloatArray, FloatArray]:
    """Bounds on F = 1 - S where S is `above`: S^exp(-+ z sqrt(V) / ln S).

    V = sum d / (n (n - d)) is Greenwood's `variance` of ln S. Where none is left above, the scale
    ends: the lower bound stays what it was, and the upper one is 1.
    """
    inner = above > 0
    logs = np.log(above[inner])
    z = float(stats.norm.ppf((1 + confidence) / 2))
    power = np.exp(z * np.sqrt(variance[inner]) / logs)  # below 1
    lower, upper = np.zeros(above.size), np.ones(above.size)
    lower[inner], upper[inner] = -np.expm1(logs * power), -np.expm1(logs / power)
    return np.maximum.accumulate(lower), upper
