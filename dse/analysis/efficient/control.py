"""Control variates: means over a space, less what is known on paper of the networks drawn.

A network's cost and choices are free, so their means over the whole space are known. Of the trained
networks x_i, only what a linear model of them leaves unexplained is luck of the draw:

    u_i = y_i - (x_i - mean of the space) . beta_{-i}

with beta_{-i} fitted by ridge regression to the other networks. As network i is independent of it,
the mean of u_i is unbiased for the space's mean of y, whatever the fit is worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dse.analysis.estimate import Estimate, FloatArray


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Networks drawn independently from one space, trained, and what is known of it on paper.

    `features` (n, p) of each network and `outcomes` (n,), finite; `space_means` (p,) of the
    features over the whole space. `space_n`: over how many networks on paper these means are
    (of which the trained ones are some); None where they are exact.
    """

    features: FloatArray
    outcomes: FloatArray
    space_means: FloatArray
    space_n: int | None = None


@dataclass(frozen=True, kw_only=True)
class Adjusted:
    """A mean, or a difference of means, adjusted for what is known on paper.

    `p_value` is two-sided, of the difference being zero. `plain` is the same without features
    (Student's or Welch's t). `variance_ratio`: the variance of `plain` over the adjusted one, so how
    many times as many networks the plain estimate needs.
    """

    difference: Estimate
    p_value: float
    plain: Estimate
    variance_ratio: float


def adjusted_mean(measured: Measured, *, confidence: float = 0.95) -> Adjusted:
    """The mean outcome of the space."""
    return adjusted_contrast([measured], [1.0], confidence=confidence)


def adjusted_difference(a: Measured, b: Measured, *, confidence: float = 0.95) -> Adjusted:
    """Mean outcome of the space of `a` less that of `b`."""
    return adjusted_contrast([a, b], [1.0, -1.0], confidence=confidence)


def adjusted_contrast(
    strata: Sequence[Measured], weights: Sequence[float], *, confidence: float = 0.95
) -> Adjusted:
    """The sum of the strata's mean outcomes, each times its weight."""
    raise NotImplementedError
