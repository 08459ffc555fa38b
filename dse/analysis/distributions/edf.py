"""The empirical distribution function of errors, of equal or weighted networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from dse.analysis.distributions.bands import WORDS, BandKind, bounds
from dse.analysis.estimate import FloatArray


@dataclass(frozen=True, kw_only=True)
class Edf:
    """An empirical distribution function with a confidence band.

    `errors` (m,) are the distinct finite errors in rising order. `fraction`, `lower` and `upper`
    (m,) hold just above each of them, up to the next; below the first, they are 0, 0 and
    `upper_before`. `n` counts every network, those without an error too; `effective_n` is how many
    equally weighted ones would be as much to go by.
    """

    errors: FloatArray
    fraction: FloatArray
    lower: FloatArray
    upper: FloatArray
    upper_before: float
    band: BandKind | Literal["greenwood"]
    n: int
    effective_n: float
    confidence: float

    def at(self, error: ArrayLike) -> FloatArray:
        """F(e) = (1/n) sum 1[e_i < e] at any errors: the strict inequality of RegNet."""
        return self._steps(0.0, self.fraction, error)

    def band_at(self, error: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """The band's lower and upper bound on F(e) at any errors."""
        upper = self._steps(self.upper_before, self.upper, error)
        return self._steps(0.0, self.lower, error), upper

    @property
    def band_words(self) -> str:
        """What a legend calls the band: "95 % simultaneous band (DKW)"."""
        return f"{100 * self.confidence:g} % {WORDS[self.band]}"

    def _steps(self, before: float, levels: FloatArray, error: ArrayLike) -> FloatArray:
        steps = np.concatenate([[before], levels])
        return np.asarray(steps[np.searchsorted(self.errors, error, side="left")])


def edf(
    errors: ArrayLike, n_total: int, confidence: float = 0.95, band: BandKind = "equal_levels"
) -> Edf:
    """EDF of finite `errors` among `n_total` networks, with a confidence band.

    F(e) = (1/n) sum 1[e_i < e] (Radosavovic et al. 2020). The whole true curve lies in a
    simultaneous band with the given confidence, for any distribution and any n, if the networks
    were drawn independently (see `bands.bounds`).
    """
    values = np.asarray(errors, dtype=np.float64)
    assert n_total >= 1, "an EDF needs a network"
    assert values.size <= n_total, "more errors than networks"
    assert np.isfinite(values).all(), "an error is finite; others are counted in n_total alone"
    distinct, counts = np.unique(values, return_counts=True)
    return _curve(distinct, np.cumsum(counts), n_total, float(n_total), confidence, band)


def weighted_edf(
    outcomes: ArrayLike,
    weights: ArrayLike,
    confidence: float = 0.95,
    band: BandKind = "equal_levels",
) -> Edf:
    """F(e) = sum w_i 1[e_i < e] / sum w_i of `outcomes` (`inf` = ended badly), with a band.

    The band is that of as many equally weighted networks as have the same variance,
    (sum w)^2 / sum w^2 (Kish 1965). It is approximate: the weights must say nothing of the noise.
    Networks of weight 0 are not in n.
    """
    values, shares = np.broadcast_arrays(
        np.asarray(outcomes, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    )
    assert (shares >= 0).all(), "a weight is not negative"
    assert (shares > 0).any(), "an EDF needs a network"
    assert not np.isnan(values).any(), "an outcome is an error or infinite"
    counted = shares > 0
    values, shares = values[counted], shares[counted] / shares[counted].sum()
    effective = effective_n(shares)
    distinct, place = np.unique(values, return_inverse=True)
    finite = np.isfinite(distinct)
    counts = effective * np.cumsum(np.bincount(place, shares))[finite]
    return _curve(distinct[finite], counts, values.size, effective, confidence, band)


def effective_n(weights: FloatArray) -> float:
    """Kish's (1965) number of equally weighted networks with the same variance of a mean."""
    return float(weights.sum() ** 2 / (weights**2).sum())


def _curve(
    errors: FloatArray,
    counts: FloatArray,
    n: int,
    effective: float,
    confidence: float,
    band: BandKind,
) -> Edf:
    """The EDF with `counts` of the `effective` networks up to each of `errors`."""
    lower, upper = bounds(band, np.concatenate([[0.0], counts]), effective, confidence)
    return Edf(
        errors=errors,
        fraction=np.minimum(counts / effective, 1.0),
        lower=lower[1:],
        upper=upper[1:],
        upper_before=float(upper[0]),
        band=band,
        n=n,
        effective_n=effective,
        confidence=confidence,
    )
