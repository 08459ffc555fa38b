"""Stratification: chosen parameters take all their values equally often, block by block."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dse.errors import UserError
from dse.space.sampling.shapes import Drawer

_MOST_STRATA: Final = 4096
_WORD: Final = 0x57A7A  # sets this stream of random numbers apart from the points' own


@dataclass(frozen=True, kw_only=True)
class Strata:
    """Every combination of the values of some parameters is a stratum.

    Each block of as many networks as there are strata takes, in random order, one network from
    each equal share of the strata's probability: where all values are equally likely every stratum
    exactly once, else as often as its prior says, to within one. A shape that is refused is drawn
    again within its stratum: strata keep their prior's shares, whatever the budget or a predicate
    refuses, where an unstratified population shifts towards what is feasible.

    Attributes:
        drawer: the space.
        names: the parameters; each is drawn once for the whole network, without a condition.
        key: whole numbers that set the stream apart.
    """

    drawer: Drawer
    names: tuple[str, ...]
    key: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(set(self.names)) < len(self.names):
            raise UserError("--stratify: name each choice once.")
        for name in self.names:
            if name not in self._allowed:
                raise UserError(
                    f"--stratify {name!r}: name choices of the whole network that are drawn in "
                    f"space {self.drawer.space.name!r}: {', '.join(self._allowed)}."
                )
        if self.count > _MOST_STRATA:
            raise UserError(
                f"--stratify: {self.count:,} strata are too many; {_MOST_STRATA:,} are allowed."
            )

    @cached_property
    def _shares(self) -> list[NDArray[np.float64]]:
        found = []
        for name in self.names:
            probabilities = self.drawer.space.slots[name].probabilities
            assert probabilities is not None
            found.append(probabilities)
        return found

    @property
    def _allowed(self) -> list[str]:
        """What is drawn once, from a list of values and without a condition."""
        slots, given = self.drawer.space.slots, self.drawer.space.parameters.given
        return [
            name
            for name in self.drawer.columns
            if name in given and slots[name].values and not getattr(given[name], "when", None)
        ]

    @property
    def count(self) -> int:
        """Number of strata."""
        return math.prod(len(shares) for shares in self._shares)

    def label(self, index: int) -> str:
        """The stratum of a network in words."""
        slots = self.drawer.space.slots
        values = (
            f"{name} {(slots[name].values or ())[int(codes[0])]}"
            for name, codes in self._codes(np.array([index])).items()
        )
        return " and ".join(values)

    def _codes(self, indices: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
        """Which value of each parameter the strata of some networks have."""
        joint = np.ones(1)
        for shares in self._shares:
            joint = np.outer(joint, shares).ravel()
        cumulative = np.cumsum(joint)
        cells = np.searchsorted(cumulative, self._ranks(indices) * cumulative[-1], side="right")
        cells = np.minimum(cells, self.count - 1)
        found = {}
        for name, shares in reversed(list(zip(self.names, self._shares, strict=True))):
            cells, found[name] = np.divmod(cells, len(shares))
        return found

    def apply(self, points: NDArray[np.float64], indices: NDArray[np.int64]) -> None:
        """Move points of shape (n, attempts, columns) into the strata of their networks."""
        shares_of = dict(zip(self.names, self._shares, strict=True))
        for name, codes in self._codes(indices).items():
            shares = shares_of[name]
            column = self.drawer.columns.get(name)
            if column is not None:
                middle = np.cumsum(shares) - shares / 2
                points[:, :, column] = middle[codes][:, None]

    def _ranks(self, indices: NDArray[np.int64]) -> NDArray[np.float64]:
        """A number in [0, 1) for each network, one in each of the equal shares of a block."""
        found = np.empty(len(indices))
        blocks = indices // self.count
        for block in sorted(set(blocks.tolist())):
            seed = np.random.SeedSequence([*self.key, _WORD, block])
            raw = np.random.Philox(seed).random_raw(2 * self.count) >> np.uint64(11)
            order, jitter = (raw * 2.0**-53).reshape(2, self.count)
            ranks = (np.argsort(order, kind="stable") + jitter) / self.count
            here = blocks == block
            found[here] = ranks[indices[here] % self.count]
        return found
