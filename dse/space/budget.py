"""A FLOPs budget, and the widths that meet it for a given shape."""

from __future__ import annotations

import dataclasses
import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dse.architecture.cost import flops_of_widths
from dse.architecture.spec import Architecture
from dse.errors import UserError
from dse.units import format_count, parse_flops, parse_percent

_GRID = 200  # points of each pass that narrows the width scale down
_PRECISION = 1e-6  # relative, of the width scale


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """A window of FLOPs around a target, counted at one input resolution.

    Attributes:
        flops: the target, in multiply-adds of convolution and linear layers for one image.
        tolerance: half width of the window as a fraction of the target.
        resolution: height and width of the image in pixels at which FLOPs are counted.
    """

    flops: float
    tolerance: float = 0.01
    resolution: int = 224

    def __post_init__(self) -> None:
        if not 16 <= self.resolution <= 4096:
            raise UserError(f"resolution must be from 16 to 4096 pixels, not {self.resolution}.")

    @classmethod
    def parse(cls, text: str, *, tolerance: str = "1%", resolution: int = 224) -> Budget:
        """Read "4.5GFLOPs" and "1%".

        Raises:
            UserError: one of the texts is not a quantity of its kind.
        """
        return cls(
            flops=parse_flops(text), tolerance=parse_percent(tolerance), resolution=resolution
        )

    @property
    def window(self) -> tuple[float, float]:
        """Lowest and highest FLOPs allowed."""
        return self.flops * (1 - self.tolerance), self.flops * (1 + self.tolerance)

    def contains(self, flops: float) -> bool:
        """Whether a network of that cost is inside the window."""
        low, high = self.window
        return low <= flops <= high

    def to_dict(self) -> dict[str, Any]:
        """Plain data for the store."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        target = format_count(self.flops, "FLOPs")
        return f"{target} ± {self.tolerance * 100:.3g} % at {self.resolution} px"


@dataclass(frozen=True, kw_only=True, slots=True)
class WidthLattice:
    """The widths that may be built: multiples of a number inside a range, one for each stage."""

    multiple_of: int
    minimum: int
    maximum: int


NOT_ON_LATTICE = "no allowed widths inside the window"
"""Why a shape whose range of costs spans the window may still not meet it."""
TOO_SMALL = "too small an image for its stages"


class Infeasible(Exception):  # noqa: N818 - a normal outcome of a draw, not a mistake
    """No width of the lattice brings the drawn shape into the budget; `args[0]` says why."""


def solve_widths(
    shape: Architecture, proportions: NDArray[np.float64], budget: Budget, lattice: WidthLattice
) -> Architecture:
    """Give a drawn shape the widths that bring its FLOPs into the window.

    The real-valued solution `scale * proportions` is found first. Of the lattice points around it
    that lie in the window, the one with the smallest largest relative change of a width is taken,
    so that the drawn proportions are kept as well as the lattice allows.

    Args:
        shape: the network; its `dims` are replaced.
        proportions: array of shape (stages,), the drawn widths up to a common factor.
        budget: the window.
        lattice: the widths allowed.

    Raises:
        Infeasible: the shape is too cheap or too dear at every allowed width, no lattice point
            lies in the window, or the image is too small for the shape.
    """
    scale = _solve_scale(shape, proportions, budget, lattice)
    exact = scale * proportions
    for reach in (1, 2, 3):
        dims = _neighbours(exact, lattice, reach)
        flops = flops_of_widths(shape, dims, resolution=budget.resolution)
        low, high = budget.window
        inside = np.flatnonzero((low <= flops) & (flops <= high))
        if inside.size:
            change = np.abs(np.log(dims[inside] / exact)).max(axis=1)
            miss = np.abs(flops[inside] - budget.flops)
            best = inside[np.lexsort((miss, np.round(change, 12)))[0]]
            return dataclasses.replace(shape, dims=tuple(int(d) for d in dims[best]))
    raise Infeasible(NOT_ON_LATTICE)


def flops_range(
    shape: Architecture, proportions: NDArray[np.float64], budget: Budget, lattice: WidthLattice
) -> tuple[float, float]:
    """FLOPs of a shape at its narrowest and widest, in the drawn proportions.

    Raises:
        Infeasible: the proportions do not fit between the narrowest and the widest width, or the
            image is too small for the shape.
    """
    scales = np.array(_scale_limits(proportions, lattice))
    low, high = _flops(shape, proportions, scales, budget)
    return float(low), float(high)


def _scale_limits(proportions: NDArray[np.float64], lattice: WidthLattice) -> tuple[float, float]:
    low = lattice.minimum / proportions.min()
    high = lattice.maximum / proportions.max()
    if low > high:
        raise Infeasible("widths differ by more than the allowed range")
    return float(low), float(high)


def _flops(
    shape: Architecture,
    proportions: NDArray[np.float64],
    scales: NDArray[np.float64],
    budget: Budget,
) -> NDArray[np.float64]:
    """FLOPs at each scale, in floating point: it cannot overflow, however wide the network."""
    dims: Any = np.rint(scales[:, None] * proportions)
    try:
        return np.asarray(flops_of_widths(shape, dims, resolution=budget.resolution), np.float64)
    except UserError:
        raise Infeasible(TOO_SMALL) from None


def _solve_scale(
    shape: Architecture, proportions: NDArray[np.float64], budget: Budget, lattice: WidthLattice
) -> float:
    """The scale at which the shape costs the budget, by ever finer grids and an interpolation.

    The first grid is of powers of two, so that the limits do not move a scale between them.
    """
    lowest, highest = _scale_limits(proportions, lattice)
    first, last = math.floor(math.log2(lowest)), math.ceil(math.log2(highest))
    scales = np.exp2(np.arange(first, max(last, first + 1) + 1, dtype=np.float64))
    flops = _flops(shape, proportions, np.array([*scales, lowest, highest]), budget)
    flops, (cheapest, dearest) = flops[:-2], flops[-2:]
    if cheapest > budget.window[1]:
        raise Infeasible("too dear even at the narrowest width")
    if dearest < budget.window[0]:
        raise Infeasible("too cheap even at the widest width")
    while True:
        above = min(max(int(np.searchsorted(flops, budget.flops)), 1), len(scales) - 1)
        low, high = float(scales[above - 1]), float(scales[above])
        if high / low - 1 < _PRECISION:
            break
        scales = np.geomspace(low, high, _GRID)
        flops = _flops(shape, proportions, scales, budget)
    share = np.interp(budget.flops, flops[above - 1 : above + 1], (0.0, 1.0))
    return min(max(float(low * (high / low) ** share), lowest), highest)


def _neighbours(exact: NDArray[np.float64], lattice: WidthLattice, reach: int) -> NDArray[np.int64]:
    """Lattice points around `exact`, `reach` to either side in each stage.

    Points that turn the order of two neighbouring widths around are left out.

    Returns:
        array of shape (points, stages).
    """
    step = lattice.multiple_of
    first = np.floor(exact / step).astype(np.int64) - reach + 1
    axes = []
    for start in first:
        values = (start + np.arange(2 * reach)) * step
        axes.append(values[(values >= lattice.minimum) & (values <= lattice.maximum)])
    points = np.array(list(itertools.product(*axes)), dtype=np.int64).reshape(-1, len(exact))
    kept = (np.diff(points) * np.sign(np.diff(exact)) >= 0).all(axis=1)
    return points[kept]
