"""Draw networks that meet a budget by construction.

The distribution is the prior over shapes (everything but the width scale), restricted to shapes
that can meet the budget at all, and pushed onto the budget by solving the width scale. Drawing
widths as well and rejecting what misses the window, as RegNet's tools do, wastes most draws.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dse.architecture.cost import Cost, cost
from dse.architecture.spec import Architecture
from dse.errors import UserError
from dse.space.budget import (
    NOT_ON_LATTICE,
    TOO_SMALL,
    Budget,
    Infeasible,
    flops_range,
    solve_widths,
)
from dse.space.design_space import DesignSpace
from dse.units import format_count

_ATTEMPTS = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """Network i of a space under a budget.

    Attributes:
        index: i, from 0.
        architecture: the network.
        cost: its cost at the budget's resolution, with 3 input channels and 1000 classes.
        refusals: why the draws before this one could not meet the budget, in order.
    """

    index: int
    architecture: Architecture
    cost: Cost
    refusals: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """Architecture i as a pure function of (space, budget, seed, i), on every machine."""

    space: DesignSpace
    budget: Budget
    seed: int = 0

    def sample(self, index: int) -> Sample:
        """Draw network `index`.

        Two networks may coincide, with the tiny probability that the space gives it; they are
        not redrawn, since network i must not depend on the others.

        Raises:
            UserError: no drawn shape can meet the budget; the sentence gives the feasible range.
        """
        rng = self._generator(index)
        refusals: list[str] = []
        while len(refusals) < _ATTEMPTS:
            shape, proportions = draw_shape(self.space, rng)
            try:
                architecture = solve_widths(
                    shape, proportions, self.budget, self.space.parameters.dims.lattice
                )
            except Infeasible as reason:
                refusals.append(str(reason))
                continue
            exact = cost(architecture, resolution=self.budget.resolution)
            assert self.budget.contains(exact.flops), (architecture, exact)
            return Sample(
                index=index, architecture=architecture, cost=exact, refusals=tuple(refusals)
            )
        raise UserError(self._impossible(refusals))

    def samples(self, count: int) -> Iterator[Sample]:
        """Networks 0 to `count` - 1."""
        return (self.sample(index) for index in range(count))

    def _generator(self, index: int) -> np.random.Generator:
        """The stream of network i: studies of different spaces are independent of each other."""
        words = [int(self.space.hash[k : k + 6], 16) for k in (0, 6)]
        return np.random.default_rng([self.seed, index, *words])

    def _impossible(self, refusals: list[str]) -> str:
        reasons = "; ".join(f"{n} {reason}" for reason, n in Counter(refusals).most_common())
        low, high = feasible_range(self.space, self.budget, seed=self.seed)
        advice = ""
        if NOT_ON_LATTICE in refusals:
            step = self.space.parameters.dims.multiple_of
            advice = f"; widen --tolerance, or lower dims.multiple_of, which is {step}"
        return (
            f"budget {self.budget}: none of {len(refusals)} drawn shapes of space "
            f"{self.space.name!r} can meet it ({reasons}); shapes of this space cost "
            f"from {format_count(low, 'FLOPs')} to {format_count(high, 'FLOPs')}{advice}."
        )


def draw_shape(
    space: DesignSpace, rng: np.random.Generator
) -> tuple[Architecture, NDArray[np.float64]]:
    """Draw everything but the width scale.

    Returns:
        the network with placeholder widths, and the widths up to a common factor, shape (stages,).
    """
    drawn = {name: prior.draw(rng) for name, prior in space.priors.items()}

    def staged(name: str, count: int) -> list[float]:
        return [drawn[name if name in drawn else f"{name}.{k}"] for k in range(1, count + 1)]  # type: ignore[misc]

    growth = staged("dims.growth", space.stages - 1)
    staged_values = {
        "depths": staged("depths", space.stages),
        "kernel_sizes": staged("kernel_sizes", space.stages),
        "dims": [1] * space.stages,
    }
    shared = {name: value for name, value in drawn.items() if name.split(".")[0] == name}
    shape = Architecture.from_dict({**shared, **staged_values})
    return shape, np.cumprod(np.array([1.0, *growth]))


def feasible_range(
    space: DesignSpace, budget: Budget, *, seed: int = 0, draws: int = 500
) -> tuple[float, float]:
    """Lowest and highest FLOPs that `draws` drawn shapes reach at their width limits.

    Raises:
        UserError: no drawn shape fits the widths allowed, or the image, at any budget.
    """
    rng = np.random.default_rng([seed, 1])
    ranges, refusals = [], []
    for _ in range(draws):
        shape, proportions = draw_shape(space, rng)
        try:
            ranges.append(flops_range(shape, proportions, budget, space.parameters.dims.lattice))
        except Infeasible as reason:
            refusals.append(str(reason))
    if TOO_SMALL in refusals and not ranges:
        raise UserError(
            f"--resolution {budget.resolution}: is {TOO_SMALL}, {space.stages} in space "
            f"{space.name!r}."
        )
    if not ranges:
        raise UserError(
            f"space {space.name!r}: parameters.dims: no drawn proportions fit between minimum and "
            "maximum; widen them or narrow growth."
        )
    lows, highs = zip(*ranges, strict=True)
    return min(lows), max(highs)
