"""Which share of a space, and of each part of it, can meet a budget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dse.space.describe.marginals import marginal_of, proportion
from dse.space.describe.words import value_text
from dse.space.sampling.draft import draft
from dse.space.sampling.sampler import Sampler
from dse.space.sampling.shapes import Drawer, Draws
from dse.space.sampling.streams import Stream

_LISTED = 8
"""Numbers of more values than that are looked at in four groups."""


@dataclass(frozen=True)
class Share:
    """How many of some draws, with the exact 95 % interval of the share.

    Attributes:
        n: how many.
        of: draws.
        share: n / of.
        low: lower end of the interval.
        high: upper end.
    """

    n: int
    of: int
    share: float
    low: float
    high: float

    @classmethod
    def counted(cls, n: int, of: int) -> Share:
        """The share of a count."""
        low, high = proportion(n, of)
        return cls(n, of, n / of if of else 0.0, float(low), float(high))


@dataclass(frozen=True)
class Feasibility:
    """What became of independent draws of the prior.

    Attributes:
        inside: the share that the space holds: `require` and the number of stages.
        feasible: of these, the share that can meet the budget.
        reasons: why the others were refused.
        regions: the share for each value of each slot, the least first: (slot, value, share).
    """

    inside: Share
    feasible: Share
    reasons: Counter[str]
    regions: list[tuple[str, str, Share]]


def feasibility(sampler: Sampler, draws: int) -> Feasibility:
    """Draw `draws` networks of the prior, and see which of them can meet the budget.

    They are independent whatever the sampler's design, so that the intervals hold. Limits on what
    must be measured are left out.
    """
    drawer = sampler.drawer
    stream = Stream(key=sampler.key, columns=max(1, len(drawer.columns)))
    points = stream.points(np.arange(draws), 0)[:, 0]
    drawn, outside = drawer.draw(points)
    reasons = draft(drawer, sampler.budget, sampler.population, points).reasons
    inside, feasible = outside == "", reasons == ""
    found = [
        (slot, value, Share.counted(int((here & feasible).sum()), int(here.sum())))
        for slot, value, here in _regions(drawer, drawn, inside)
    ]
    return Feasibility(
        inside=Share.counted(int(inside.sum()), draws),
        feasible=Share.counted(int(feasible.sum()), int(inside.sum())),
        reasons=Counter(reasons[~feasible].tolist()),
        regions=sorted(found, key=lambda region: region[2].share),
    )


def _regions(
    drawer: Drawer, draws: Draws, inside: NDArray[np.bool_]
) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    """Each value or quarter of the values of each free slot, and which networks have it."""
    for slot in drawer.columns:
        marginal = marginal_of(drawer.space, slot)
        here = inside & drawer.drawn(slot, draws)
        values = drawer.slot(slot, draws)
        if marginal.support is not None and not (
            marginal.is_numeric and len(marginal.support) > _LISTED
        ):
            codes = marginal.codes(values)
            for code, value in enumerate(marginal.support):
                if (here & (codes == code)).any():
                    yield slot, value_text(value), here & (codes == code)
        elif here.any():
            yield from ((slot, name, here & part) for name, part in _quarters(values, here))


def _quarters(
    values: NDArray[Any], here: NDArray[np.bool_]
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    numbers = values.astype(np.float64)
    edges = np.unique(np.quantile(numbers[here], (0.25, 0.5, 0.75), method="inverted_cdf"))
    places = np.searchsorted(edges, numbers, side="left")
    for place in np.unique(places[here]):
        part = here & (places == place)
        low, high = numbers[part].min(), numbers[part].max()
        name = f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
        yield name, part
