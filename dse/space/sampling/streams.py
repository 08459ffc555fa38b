"""Where the random numbers come from: row i is a pure function of (key, i), in any order.

Rows are made in blocks, each from its own stream, so that any one can be had without the ones
before it. Round 0 is the design that was asked for; a shape that is refused is drawn again from
later rounds, which are always independent.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, cast

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from dse.errors import UserError

DesignKind = Literal["independent", "sobol", "latin_hypercube"]
_BLOCK: Final = 256
_MOST_ATTEMPTS: Final = 64
_LATIN_BLOCK: Final = 128


@dataclass(frozen=True, kw_only=True, slots=True)
class Design:
    """How the points of the unit cube are spread that networks 0, 1, 2, ... are drawn from.

    Every point is uniform by itself in each design, so every network has the same distribution;
    the designs differ in how evenly many points fill the cube. A longer study keeps the points of
    a shorter one.

    Attributes:
        kind: `independent`; `sobol`, scrambled (Owen 1998), best at powers of two;
            `latin_hypercube`, one after the other.
        block: number of points of each Latin hypercube.
    """

    kind: DesignKind = "independent"
    block: int = _LATIN_BLOCK

    @classmethod
    def parse(cls, text: str) -> Design:
        """Read "independent", "sobol", "latin_hypercube" or "latin_hypercube:64".

        Raises:
            UserError: it is none of them.
        """
        match = re.fullmatch(r"(independent|sobol|latin_hypercube)(?::(\d{1,6}))?", text.strip())
        if not match or (match[2] and match[1] != "latin_hypercube") or match[2] in ("0", "1"):
            raise UserError(
                f"--design {text!r}: write independent, sobol, latin_hypercube, or "
                "latin_hypercube:N for hypercubes of N points, 2 at least."
            )
        return cls(kind=cast(DesignKind, match[1]), block=int(match[2] or _LATIN_BLOCK))

    def __str__(self) -> str:
        return f"{self.kind}:{self.block}" if self.kind == "latin_hypercube" else self.kind


INDEPENDENT: Final = Design()


def attempts_in(round_: int) -> int:
    """How many points a round holds for each network: 1, 4, 16, and 64 from then on."""
    return min(1 << 2 * round_, _MOST_ATTEMPTS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stream:
    """Points of the unit cube by number and round.

    Attributes:
        key: whole numbers that set this stream apart from all others.
        columns: dimensions of the cube.
        design: how the points of round 0 are spread.
    """

    key: tuple[int, ...]
    columns: int
    design: Design = INDEPENDENT

    def points(self, indices: NDArray[np.int64], round_: int) -> NDArray[np.float64]:
        """The points of some networks in a round, shape (n, attempts, columns), in [0, 1)."""
        kind = self.design.kind if round_ == 0 else "independent"
        size = self.design.block if kind == "latin_hypercube" else _BLOCK
        found = np.empty((len(indices), attempts_in(round_), self.columns))
        blocks = indices // size
        for block in sorted(set(blocks.tolist())):
            here = blocks == block
            rows = _block(self.key, round_, block, size, self.columns, kind)
            found[here] = rows[indices[here] % size]
        return found


@lru_cache(maxsize=32)
def _block(
    key: tuple[int, ...], round_: int, block: int, size: int, columns: int, kind: DesignKind
) -> NDArray[np.float64]:
    """Points block * size to (block + 1) * size - 1, shape (size, attempts, columns)."""
    shape = (size, attempts_in(round_), columns)
    if kind == "sobol":
        engine = qmc.Sobol(
            columns, scramble=True, rng=np.random.Generator(np.random.Philox(_seed(key, 0, 0)))
        )
        if block:
            engine.fast_forward(block * size)
        return np.minimum(engine.random(size), 1 - 2**-53).reshape(shape)
    count = math.prod(shape)
    uniforms = _uniforms(_seed(key, round_ + 1, block), 2 * count)
    rows = uniforms[:count].reshape(shape)
    if kind == "latin_hypercube":
        ranks = np.argsort(uniforms[count:].reshape(shape), axis=0, kind="stable")
        return np.asarray((ranks + rows) / size)
    return rows


def _seed(key: tuple[int, ...], round_: int, block: int) -> np.random.SeedSequence:
    return np.random.SeedSequence([*key, round_, block])


def _uniforms(seed: np.random.SeedSequence, count: int) -> NDArray[np.float64]:
    """Philox, whose raw numbers NumPy promises never to change, as numbers in [0, 1)."""
    raw = np.random.Philox(seed).random_raw(count)
    return np.asarray((raw >> np.uint64(11)) * 2.0**-53)
