"""A narrower space: which values to keep, chosen on one half of the networks, judged on the other.

The rule: of the parameters that are shown to matter (Kruskal & Wallis at 5 %, corrected by Holm for
the number of parameters), a level is left out if its networks are worse than all others (one-sided
rank test at 5 %, corrected by Holm for the number of the parameter's levels); of numbers only from
the ends, so that a range stays. So where nothing matters, anything at all is left out in at most
one study of twenty. Levels are left out from the smallest p-value on while a tenth of the choosing
half stays. The other half, which had no part in this, says what it gains.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from dse.analysis.corrected import holm
from dse.analysis.estimate import Estimate, FloatArray
from dse.analysis.factors.contrasts import kruskal_p, share
from dse.analysis.factors.levels import Factor, Networks

LEVEL = 0.05
LEAST_SHARE = 0.1
LEAST_LEVEL = 5
LEAST_JUDGED = 8
_REPEATS = 1000
_STEPS = 500


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What stays of one parameter.

    `levels` stay and `left_out` do not. Of numbers (`is_range`) those from `low` to `high` stay,
    None for an end that is not narrowed. `corrected` is the largest corrected p-value of the levels
    that are left out.
    """

    name: str
    levels: tuple[str, ...]
    left_out: tuple[str, ...]
    is_range: bool
    low: float | None
    high: float | None
    corrected: float


@dataclass(frozen=True, kw_only=True)
class Narrowing:
    """A proposal, and what the half that had no part in it says of it.

    `kept` has only parameters that are narrowed. `share_left` is the share of the space that is
    left, exact binomial interval over the `judged` networks of the second half; `gain` is their
    median error [fraction] less that of the networks among them inside the proposal, positive
    where these are better. None where fewer than eight are inside, or nothing is left out.
    """

    kept: tuple[Kept, ...]
    chosen_on: int
    judged: int
    share_left: Estimate
    gain: Estimate | None


def narrowing(found: Networks, *, confidence: float = 0.95, seed: int = 0) -> Narrowing:
    """A proposal by the module's rule; `seed` divides the networks."""
    order = np.random.default_rng([seed, 1]).permutation(len(found))
    half = (len(found) + 1) // 2
    choosing = found.take(np.sort(order[:half]))
    judging = found.take(np.sort(order[half:]))
    left_out = chosen_levels(choosing)
    kept = tuple(
        _kept(factor, out) for factor, out in zip(found.factors, left_out, strict=True) if len(out)
    )
    inside = within(judging.factors, [list(out) for out in left_out], len(judging))
    return Narrowing(
        kept=kept,
        chosen_on=len(choosing),
        judged=len(judging),
        share_left=share(int(inside.sum()), len(judging), confidence),
        gain=median_gain(judging.capped, inside, confidence, seed) if kept else None,
    )


def within(
    factors: tuple[Factor, ...], left_out: list[list[int]] | list[dict[int, float]], n: int
) -> NDArray[np.bool_]:
    """Which networks have none of the levels that are left out."""
    inside = np.ones(n, dtype=np.bool_)
    for factor, out in zip(factors, left_out, strict=True):
        inside &= ~np.isin(factor.codes, list(out))
    return inside


def chosen_levels(choosing: Networks) -> list[dict[int, float]]:
    """Of each parameter, the levels to leave out with their corrected p-values."""
    inside = np.ones(len(choosing), dtype=np.bool_)
    chosen: list[dict[int, float]] = [{} for _ in choosing.factors]
    waiting = _shown(choosing)
    while waiting:
        place = next(
            (
                k
                for k, (_, f, level) in enumerate(waiting)
                if _at_an_end(choosing, f, level, chosen)
            ),
            None,
        )
        if place is None:
            break
        p_value, factor, level = waiting.pop(place)
        left = inside & (choosing.factors[factor].codes != level)
        if left.sum() >= LEAST_SHARE * len(choosing):
            inside = left
            chosen[factor][level] = p_value
    return chosen


def _shown(choosing: Networks) -> list[tuple[float, int, int]]:
    """Levels that are shown to be worse: corrected p-value, parameter, level; smallest first."""
    ranks = choosing.places
    matters = holm(np.array([kruskal_p(factor, ranks) for factor in choosing.factors]))
    found = []
    for place in np.flatnonzero(matters <= LEVEL).tolist():
        worse = np.maximum(holm(_worse(choosing.factors[place], ranks)), matters[place])
        found += [
            (float(worse[level]), place, level) for level in np.flatnonzero(worse <= LEVEL).tolist()
        ]
    return sorted(found)


def median_gain(
    y: FloatArray, inside: NDArray[np.bool_], confidence: float = 0.95, seed: int = 0
) -> Estimate | None:
    """The median of `y` less its median `inside`, -+ the normal quantile times a bootstrap error.

    Networks are drawn again together with whether they are inside. More than 500 are put into as
    many groups of neighbours, whose medians stand for them. None below eight networks inside. The
    bootstrap's percentiles cover up to 97.3 % instead: so few medians come in few steps.
    """
    if inside.sum() < LEAST_JUDGED:
        return None
    order = np.argsort(y, kind="stable")
    steps = min(len(y), _STEPS)
    groups = np.arange(len(y)) * steps // len(y)
    starts = np.searchsorted(groups, np.arange(steps))
    ends = np.append(starts[1:], len(y))
    values = y[order][(starts + ends - 1) // 2]
    counts = np.stack(
        [np.bincount(groups, part, steps) for part in (inside[order], ~inside[order])]
    )
    rng = np.random.default_rng([seed, 2])
    drawn = rng.multinomial(len(y), counts.ravel() / len(y), size=_REPEATS)
    both = drawn.reshape(_REPEATS, 2, steps)
    gains = _medians(values, both.sum(axis=1)) - _medians(values, both[:, 0])
    half = float(stats.norm.ppf((1 + confidence) / 2) * gains.std(ddof=1))
    value = float(np.median(y) - np.median(y[inside]))
    return Estimate(
        value=value, lower=value - half, upper=value + half, n=len(y), confidence=confidence
    )


def _medians(values: FloatArray, counts: NDArray[np.int64]) -> FloatArray:
    """Medians of values, rising, that come `counts` (repeats, values) times."""
    reached = counts.cumsum(axis=1)
    total = reached[:, -1:]
    places = [
        np.minimum((reached < wanted).sum(axis=1), len(values) - 1)
        for wanted in ((total + 1) // 2, total // 2 + 1)
    ]
    return np.asarray((values[places[0]] + values[places[1]]) / 2)


def _worse(factor: Factor, ranks: FloatArray) -> FloatArray:
    """One-sided p-value of each level against all others (Mann & Whitney 1947, normal, tied).

    NaN where fewer than five networks are on one side.
    """
    n, counts = len(ranks), factor.counts
    rest = n - counts
    sums = np.bincount(factor.codes, ranks, len(counts))
    spread = float(((ranks - ranks.mean()) ** 2).sum())
    can = (np.minimum(counts, rest) >= LEAST_LEVEL) & (spread > 0)
    variance = np.where(can, counts * rest / (n * max(n - 1, 1)) * spread, 1.0)
    p_values = stats.norm.sf((sums - counts * ranks.mean()) / np.sqrt(variance))
    return np.where(can, p_values, np.nan)


def _at_an_end(choosing: Networks, place: int, level: int, out: list[dict[int, float]]) -> bool:
    """Whether leaving out a level leaves a range; the level of networks without a number may."""
    factor = choosing.factors[place]
    if not factor.is_ordered or level >= len(factor.edges):
        return True
    left = [k for k in range(len(factor.edges)) if k not in out[place] and factor.counts[k]]
    return bool(left) and level in (left[0], left[-1])


def _kept(factor: Factor, out: dict[int, float]) -> Kept:
    stays = [k for k in range(len(factor.levels)) if k not in out]
    numbers = [k for k in stays if k < len(factor.edges)]
    narrowed = bool(numbers)
    return Kept(
        name=factor.name,
        levels=tuple(factor.levels[k] for k in stays),
        left_out=tuple(factor.levels[k] for k in sorted(out)),
        is_range=factor.is_ordered,
        low=factor.edges[numbers[0]][0] if narrowed and numbers[0] > 0 else None,
        high=(
            factor.edges[numbers[-1]][1]
            if narrowed and numbers[-1] < len(factor.edges) - 1
            else None
        ),
        corrected=max(out.values()),
    )
