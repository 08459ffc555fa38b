"""Networks that meet a budget, in columns and one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dse.architecture.cost import Cost, cost
from dse.architecture.form import EXACT
from dse.architecture.spec import Architecture
from dse.space.sampling.draft import Draft
from dse.space.sampling.shapes import Drawer


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """Network i of a space under a budget.

    Attributes:
        index: i, from 0.
        architecture: the network.
        cost: its cost at the budget's resolution, with 3 input channels and 1000 classes.
        refusals: why and how often the draws before this one were refused.
    """

    index: int
    architecture: Architecture
    cost: Cost
    refusals: Counter[str]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """n networks of a space under a budget, in columns.

    Attributes:
        drawer: draws from the space.
        indices: their numbers, shape (n,).
        draft: what was drawn, widths and costs.
        refusals: for each why and how often the draws before it were refused.
        resolution: pixels at which costs are counted.
    """

    drawer: Drawer
    indices: NDArray[np.int64]
    draft: Draft
    refusals: list[Counter[str]]
    resolution: int

    def __len__(self) -> int:
        return len(self.indices)

    def architecture(self, row: int) -> Architecture:
        """A network as a value."""
        return self.draft.architecture(self.drawer, row)

    def sample(self, row: int) -> Sample:
        """A network with its cost."""
        architecture = self.architecture(row)
        costs = self.draft.costs[row]
        exact = costs.max() < EXACT
        flops, params, activations = (int(value) for value in costs)
        return Sample(
            index=int(self.indices[row]),
            architecture=architecture,
            cost=Cost(flops=flops, params=params, activations=activations)
            if exact
            else cost(architecture, resolution=self.resolution),
            refusals=self.refusals[row],
        )


def duplicates(samples: Iterable[Sample]) -> dict[int, int]:
    """The networks that equal an earlier one, with the number of the first such."""
    first: dict[str, int] = {}
    found = {}
    for sample in samples:
        original = first.setdefault(sample.architecture.hash, sample.index)
        if original != sample.index:
            found[sample.index] = original
    return found
