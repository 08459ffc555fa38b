"""The distribution of one value before any budget, and how far drawn values are from it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from dse.space.describe.words import value_text
from dse.space.language.choices import StageParameter
from dse.space.language.design_space import DesignSpace
from dse.space.language.priors import Prior, Value, plain
from dse.space.sampling.chains import Chain

Array = NDArray[Any]

CONFIDENCE: Final = 0.95
MOST_CELLS: Final = 20
"""More values than that are shown in groups."""
_GROUPS: Final = 12
_LEAST_EXPECTED: Final = 5.0
_REACH: Final = 3.0  # standard deviations of a normal prior to either side of its centre


@dataclass(frozen=True)
class Marginal:
    """The distribution of one value of a network of a space, whatever its cost.

    Attributes:
        prior: the prior of the value by itself.
        support: all values, or None where they are a continuum.
        probabilities: of each value.
        rank: of a continuum in order, that this is the k-th smallest of m draws, as (k, m).
    """

    prior: Prior
    support: tuple[Value, ...] | None
    probabilities: NDArray[np.float64] | None
    rank: tuple[int, int] = (1, 1)

    @property
    def is_numeric(self) -> bool:
        """Whether all values are numbers."""
        return self.support is None or all(
            isinstance(v, int | float) and not isinstance(v, bool) for v in self.support
        )

    @property
    def is_logarithmic(self) -> bool:
        """Whether numbers are to be grouped by their logarithms."""
        return self.prior.kind in ("log_uniform", "log_normal", "power_of_two")

    def cdf(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability of a continuum below each of some values."""
        share = prior_cdf(self.prior, values)
        k, m = self.rank
        return share if m == 1 else np.asarray(special.betainc(k, m - k + 1, share))

    def codes(self, drawn: Array) -> NDArray[np.int64]:
        """Which of `support` each drawn value is; -1 is none of them."""
        assert self.support is not None
        table = {_key(value): code for code, value in enumerate(self.support)}
        if drawn.dtype != object and None in table:
            table.setdefault(0.0, table[None])  # a group width of 0 is null
        return np.array([table.get(_key(value), -1) for value in drawn.tolist()], dtype=np.int64)


def marginal_of(space: DesignSpace, slot: str) -> Marginal:
    """The distribution of a slot where it is drawn, before `require` and the number of stages."""
    prior = space.slots[slot]
    parameter, stages = _in_stages(space, slot)
    if parameter is None or parameter.any_of is not None or parameter.order in ("free", "shared"):
        return Marginal(prior, prior.values, prior.probabilities)
    stage = int(slot.rpartition(".")[2])
    falling = parameter.tie == "non_increasing"
    if prior.values is None:
        return Marginal(prior, None, None, (stages + 1 - stage if falling else stage, stages))
    chain = Chain(parameter.priors(stages)[:stages], falling=falling)
    probabilities = chain.marginals()[stage - 1]
    where = np.flatnonzero(probabilities > 0)
    where = where[np.argsort(chain.support[where])]
    support = tuple(plain(float(value)) for value in chain.support[where])
    return Marginal(prior, support, probabilities[where])


def prior_cdf(prior: Prior, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of all draws of a continuum below each of some values."""
    low, high = (float(limit) for limit in prior.limits)
    scaled, ends = np.clip(values, low, high), np.array([low, high])
    if prior.kind in ("log_uniform", "log_normal"):
        scaled, ends = np.log(scaled), np.log(ends)
    share = (scaled - ends[0]) / (ends[1] - ends[0])
    if prior.kind in ("normal", "log_normal"):
        below = special.ndtr(-_REACH)
        share = (special.ndtr((2 * share - 1) * _REACH) - below) / (1 - 2 * below)
    return np.asarray(share)


@dataclass(frozen=True)
class Cell:
    """A value, or a group of numbers next to each other, with its share.

    Attributes:
        label: the value, or the ends of the group.
        start: the value, or the lower end.
        prior: probability.
        n: how many networks have it.
        share: of the networks for which the value was drawn, with its 95 % interval.
    """

    label: str
    start: str
    prior: float
    n: int
    share: float
    low: float
    high: float


def cells(marginal: Marginal, drawn: Array) -> list[Cell]:
    """The shares of all values among those drawn, many numbers in groups."""
    if marginal.support is None:
        low, high = marginal.prior.limits
        edges = _edges(float(low), float(high), marginal.is_logarithmic)
        counts = np.histogram(drawn.astype(np.float64), edges)[0]
        names = [f"{a:.3g} to {b:.3g}" for a, b in itertools.pairwise(edges)]
        starts = [f"{a:.3g}" for a in edges[:-1]]
        return _cells(names, starts, np.diff(marginal.cdf(edges)), counts, len(drawn))
    assert marginal.probabilities is not None
    codes = marginal.codes(drawn)
    counts = np.bincount(codes[codes >= 0], minlength=len(marginal.support))
    groups = _groups(marginal)
    ends = [(marginal.support[g[0]], marginal.support[g[-1]]) for g in groups]
    starts = [value_text(g) if isinstance(g, str | bool | None) else f"{g:.3g}" for g, _ in ends]
    names = [
        value_text(a) if len(g) == 1 else f"{value_text(a)} to {value_text(b)}"
        for g, (a, b) in zip(groups, ends, strict=True)
    ]
    priors = np.array([marginal.probabilities[g].sum() for g in groups])
    grouped = np.array([counts[g].sum() for g in groups])
    if (codes < 0).any():
        names, starts = [*names, "others"], [*starts, "others"]
        priors, grouped = np.append(priors, 0.0), np.append(grouped, (codes < 0).sum())
    return _cells(names, starts, priors, grouped, len(drawn))


def proportion(
    count: Any, of: Any, confidence: float = CONFIDENCE
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The exact interval of a share (Clopper and Pearson 1934); from 0 to 1 where there is no n."""
    count, of = np.asarray(count, dtype=np.float64), np.asarray(of, dtype=np.float64)
    tail = (1 - confidence) / 2
    low = np.where(count > 0, stats.beta.ppf(tail, np.maximum(count, 1), of - count + 1), 0.0)
    most = stats.beta.ppf(1 - tail, count + 1, np.maximum(of - count, 1))
    return low, np.where(count < of, most, 1.0)


@dataclass(frozen=True)
class Fit:
    """How drawn values compare with a distribution.

    Attributes:
        test: `chi-square`, over values or pools of them that are expected five times at least;
            `Kolmogorov-Smirnov` for a continuum; or "" where there is nothing to compare.
        statistic: chi-square, or the largest difference of the distribution functions.
        dof: degrees of freedom of the chi-square.
        p: probability of such a statistic or a larger one if the distribution is that one.
    """

    test: str = ""
    statistic: float | None = None
    dof: int | None = None
    p: float | None = None


def fit(marginal: Marginal, drawn: Array) -> Fit:
    """Test independent draws against a distribution."""
    if not len(drawn):
        return Fit()
    if marginal.support is None:
        found = stats.kstest(marginal.cdf(drawn.astype(np.float64)), "uniform")
        return Fit("Kolmogorov-Smirnov", float(found.statistic), None, float(found.pvalue))
    assert marginal.probabilities is not None
    codes = marginal.codes(drawn)
    if (codes < 0).any():
        return Fit("chi-square", None, None, 0.0)  # not this distribution
    counts = np.bincount(codes, minlength=len(marginal.support)).astype(np.float64)
    pools = _pools(marginal.probabilities * len(drawn), adjacent=marginal.is_numeric)
    if len(pools) < 2:
        return Fit()
    observed = np.array([counts[pool].sum() for pool in pools])
    expected = np.array([marginal.probabilities[pool].sum() for pool in pools]) * len(drawn)
    statistic = float(((observed - expected) ** 2 / expected).sum())
    dof = len(pools) - 1
    return Fit("chi-square", statistic, dof, float(stats.chi2.sf(statistic, dof)))


def _pools(expected: NDArray[np.float64], *, adjacent: bool) -> list[NDArray[np.int64]]:
    """Values together such that each pool is expected five times, neighbours or the rarest."""
    order = np.arange(len(expected)) if adjacent else np.argsort(expected, kind="stable")
    pools: list[list[int]] = [[]]
    total = 0.0
    for index in order.tolist():
        pools[-1].append(index)
        total += expected[index]
        if total >= _LEAST_EXPECTED:
            pools.append([])
            total = 0.0
    rest = pools.pop()
    if rest and pools:
        pools[-1] += rest
    return [np.array(pool) for pool in pools]


def _in_stages(space: DesignSpace, slot: str) -> tuple[StageParameter | None, int]:
    """The parameter with one value for each stage that a slot is of, and for how many stages."""
    base, _, rest = slot.partition(".")
    if base != "dims":
        parameter = getattr(space.parameters, base)
        return (parameter if isinstance(parameter, StageParameter) else None), space.stages
    widths = space.parameters.dims
    if rest.startswith("growth"):
        return widths.growth, space.stages - 1
    return widths.absolute, space.stages


def _groups(marginal: Marginal) -> list[NDArray[np.int64]]:
    """The values, many numbers in groups of about the same width."""
    assert marginal.support is not None
    count = len(marginal.support)
    if count <= MOST_CELLS or not marginal.is_numeric:
        return [np.array([code]) for code in range(count)]
    numbers = np.array(marginal.support, dtype=np.float64)
    edges = _edges(numbers[0], numbers[-1], marginal.is_logarithmic)
    places = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, _GROUPS - 1)
    return [np.flatnonzero(places == place) for place in np.unique(places)]


def _edges(low: float, high: float, logarithmic: bool) -> NDArray[np.float64]:
    spaced = np.geomspace if logarithmic else np.linspace
    return np.asarray(spaced(low, high, _GROUPS + 1))


def _cells(
    names: Sequence[str], starts: Sequence[str], priors: Array, counts: Array, n: int
) -> list[Cell]:
    low, high = proportion(counts, n)
    shares = counts / max(n, 1)
    numbers = (column.tolist() for column in (priors, counts, shares, low, high))
    return [Cell(*row) for row in zip(names, starts, *numbers, strict=True)]


def _key(value: Any) -> Any:
    """What sets values apart; 1 and 1.0 are the same, 1 and true are not."""
    if value is None or isinstance(value, bool | str):
        return (type(value), value) if isinstance(value, bool) else value
    return float(value)
