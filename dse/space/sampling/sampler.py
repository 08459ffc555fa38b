"""Draw networks that meet a budget.

The `solved` population is the prior over shapes (everything but the width scale), restricted to
shapes that can meet the budget at all, and pushed onto the budget by solving for the scale. The
`conditioned` one is the prior over shapes and widths, conditioned on the window by rejection, as in
RegNet's design-space papers, which wastes most draws.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from dse.architecture.spec import Architecture
from dse.errors import UserError
from dse.space.language.design_space import DesignSpace
from dse.space.sampling.batch import Batch, Sample
from dse.space.sampling.budget import Budget
from dse.space.sampling.draft import Draft, above, draft
from dse.space.sampling.feasible import feasible_range
from dse.space.sampling.shapes import Drawer
from dse.space.sampling.solve import NOT_ON_LATTICE
from dse.space.sampling.strata import Strata
from dse.space.sampling.streams import INDEPENDENT, Design, Stream, attempts_in
from dse.units import format_quantity

Population = Literal["solved", "conditioned"]
Measure = Callable[[Architecture], Mapping[str, float]]
"""Latency [s] and peak memory [bytes] of a network on this device, by name."""

VERSION: Final = 2
"""Of the way from a seed to a network; a study is only continued by the same."""
_ATTEMPTS: Final = {"solved": 512, "conditioned": 20_000}
_MEASURED: Final = 64
"""So many networks are measured in vain before one is given up: each may take a second."""
_CHUNK: Final = 8192


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """Architecture i as a pure function of (space, budget, seed, i), on every machine.

    Two networks may coincide, with the probability that the space gives it; they are not redrawn,
    since network i must not depend on the others. `batch.duplicates` finds them.

    Attributes:
        space: what may be built.
        budget: what a network may cost.
        seed: everything random derives from it.
        population: `solved` or `conditioned`.
        design: how the points behind the networks are spread.
        stratify: parameters whose values come equally often.
        measure: needed for budgets with limits on what is measured.
    """

    space: DesignSpace
    budget: Budget
    seed: int = 0
    population: Population = "solved"
    design: Design = INDEPENDENT
    stratify: tuple[str, ...] = ()
    measure: Measure | None = None

    def __post_init__(self) -> None:
        if self.population == "conditioned":
            self._check_conditioned()
        _ = self._strata  # refuses what cannot be stratified

    def sample(self, index: int) -> Sample:
        """Draw network `index`.

        Raises:
            UserError: no drawn shape can meet the budget; the sentence gives the feasible range.
        """
        return self.batch(np.array([index])).sample(0)

    def samples(self, count: int) -> Iterator[Sample]:
        """Networks 0 to `count` - 1, raising as `sample` does."""
        for start in range(0, count, _CHUNK):
            batch = self.batch(np.arange(start, min(start + _CHUNK, count)))
            yield from (batch.sample(row) for row in range(len(batch)))

    def batch(self, indices: NDArray[np.int64]) -> Batch:
        """Draw networks by number, all at once; each is what `sample` gives.

        Raises:
            UserError: as `sample`.
        """
        waiting = np.arange(len(indices))
        refusals: list[Counter[str]] = [Counter() for _ in indices]
        drafts: list[Draft] = []
        places: list[NDArray[np.int64]] = []
        attempts = 0
        for round_ in itertools.count():
            points = self._points(indices[waiting], round_)
            tried = draft(
                self.drawer, self.budget, self.population, points.reshape(-1, points.shape[2])
            )
            self._measure(tried, points.shape[1])
            used = (tried.reasons == "").reshape(len(waiting), -1)
            first = np.where(used.any(axis=1), used.argmax(axis=1), used.shape[1])
            _count_refusals(refusals, waiting, tried.reasons.reshape(used.shape), first)
            found = np.flatnonzero(first < used.shape[1])
            drafts.append(tried.take(found * used.shape[1] + first[found]))
            places.append(waiting[found])
            waiting = np.delete(waiting, found)
            attempts += attempts_in(round_)
            if not len(waiting):
                break
            for row in waiting.tolist():
                measured = sum(refusals[row][above(limit)] for limit in self.budget.measured)
                if attempts >= _ATTEMPTS[self.population] or measured >= _MEASURED:
                    raise UserError(self._impossible(refusals[row], int(indices[row])))
        order = np.argsort(np.concatenate(places), kind="stable")
        return Batch(
            drawer=self.drawer,
            indices=indices,
            draft=Draft.join(drafts).take(order),
            refusals=refusals,
            resolution=self.budget.resolution,
        )

    @cached_property
    def drawer(self) -> Drawer:
        """Turns points into networks."""
        return Drawer(self.space)

    @cached_property
    def key(self) -> tuple[int, ...]:
        """Studies of different spaces are independent of each other."""
        return (self.seed, *(int(self.space.hash[k : k + 6], 16) for k in (0, 6)))

    @cached_property
    def _stream(self) -> Stream:
        columns = max(1, len(self.drawer.columns))
        return Stream(key=self.key, columns=columns, design=self.design)

    @cached_property
    def _strata(self) -> Strata | None:
        if not self.stratify:
            return None
        return Strata(drawer=self.drawer, names=self.stratify, key=self.key)

    def _points(self, indices: NDArray[np.int64], round_: int) -> NDArray[np.float64]:
        points = self._stream.points(indices, round_)
        if self._strata is not None:
            self._strata.apply(points, indices)
        return points

    def _measure(self, tried: Draft, attempts: int) -> None:
        """Refuse the networks that exceed a measured limit on this device.

        Of the attempts of one network those after the first that is used are not measured.
        """
        if not self.budget.measured:
            return
        assert self.measure is not None, "a measured limit needs something that measures"
        for rows in np.arange(len(tried.reasons)).reshape(-1, attempts):
            for row in rows[tried.reasons[rows] == ""].tolist():
                measured = self.measure(tried.architecture(self.drawer, row))
                over = [lim for lim in self.budget.measured if measured[lim.metric] > lim.most]
                if not over:
                    break
                tried.reasons[row] = above(over[0])

    def _check_conditioned(self) -> None:
        dims = self.space.parameters.dims
        if dims.growth is not None and dims.first is None:
            raise UserError(
                f"space {self.space.name!r}: parameters.dims: a conditioned population needs a "
                "prior of the widths themselves: give first beside growth, or per_stage."
            )
        if self.design.kind != "independent":
            raise UserError(
                "--design: a conditioned population is drawn by rejection, so with independent "
                f"points, not with {self.design.kind}."
            )

    def _impossible(self, refusals: Counter[str], index: int) -> str:
        """Why the budget cannot be met."""
        budget, space = self.budget, self.space
        reasons = "; ".join(f"{n} {reason}" for reason, n in refusals.most_common(5))
        low, high = feasible_range(self.drawer, budget, key=self.key)
        metric = budget.metric
        advice = ""
        stratum = "" if self._strata is None else f" with {self._strata.label(index)}"
        if NOT_ON_LATTICE in refusals:
            step = space.parameters.dims.multiple_of
            advice = f"; widen --tolerance, or lower dims.multiple_of, which is {step}"
        return (
            f"budget {budget}: none of {refusals.total()} drawn shapes of space {space.name!r}"
            f"{stratum} can meet it ({reasons}); shapes of this space cost from "
            f"{format_quantity(low, metric)} to {format_quantity(high, metric)}{advice}."
        )


def _count_refusals(
    refusals: list[Counter[str]],
    waiting: NDArray[np.int64],
    reasons: NDArray[Any],
    first: NDArray[np.int64],
) -> None:
    """Note why the attempts before the first one that is used were refused."""
    for row in np.flatnonzero(first):
        refusals[waiting[row]].update(reasons[row, : first[row]].tolist())
