"""The widths that bring drawn shapes into a budget."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dse.architecture.form import STEM, Form, Products, product
from dse.architecture.widths import HALF_STEM
from dse.space.language.widths import Widths
from dse.space.sampling.shapes import Array
from dse.space.sampling.structures import Shapes

NOT_ON_LATTICE: Final = "no allowed widths inside the window"
"""Why a shape whose range of costs spans the window may still not meet it."""
TOO_DEAR: Final = "too dear even at the narrowest width"
TOO_CHEAP: Final = "too cheap even at the widest width"
TOO_UNEQUAL: Final = "widths differ by more than the allowed range"
_REACHES: Final = (1, 2, 3)
_MOST_POINTS: Final = 70_000
_AT_ONCE: Final = 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class Lattice:
    """The widths that may be built: multiples of a number inside a range, one for each stage.

    `tie` says how widths that were drawn equal may come apart: not at all (`shared`), in one
    direction, or at will (`free`).
    """

    multiple_of: int
    minimum: int
    maximum: int
    tie: str = "free"

    @classmethod
    def of(cls, widths: Widths) -> Lattice:
        """The widths that a space allows."""
        growth = widths.growth
        same = widths.is_shared or (
            growth is not None and all(prior.values == (1,) for prior in growth.priors(2))
        )
        return cls(
            multiple_of=widths.multiple_of,
            minimum=widths.minimum,
            maximum=widths.maximum,
            tie="shared" if same else widths.tie,
        )


def solve(
    shapes: Shapes,
    proportions: NDArray[np.float64],
    form: Form,
    window: tuple[float, float],
    lattice: Lattice,
) -> tuple[NDArray[np.int64], Array]:
    """Give drawn shapes the widths that bring a metric into the window.

    The metric is quadratic in the widths, so the real-valued solution `scale * proportions` is a
    root of a quadratic. Of the lattice points around it that lie in the window, the one with the
    smallest largest relative change of a width is taken, so that the drawn proportions are kept as
    well as the lattice allows; widths that were drawn in an order stay so.

    Args:
        shapes: n networks without widths.
        proportions: the drawn widths up to a common factor, shape (n, stages).
        form: the metric.
        window: its lowest and highest value.
        lattice: the widths allowed.

    Returns:
        the widths, shape (n, stages), and for each network why it has none, or "".
    """
    target = (window[0] + window[1]) / 2
    coefficients = form.coefficients(shapes.numbers)
    scales, reasons = _scales(shapes, proportions, form, coefficients, window, target, lattice)
    exact = scales[:, None] * proportions
    stages = proportions.shape[1]
    dims = np.zeros((len(scales), stages), dtype=np.int64)
    waiting = np.flatnonzero(reasons == "")
    steps = shapes.units(lattice.multiple_of)
    for reach in _REACHES:
        points_each = (2 * reach) ** stages
        if points_each > _MOST_POINTS:
            break
        chunk = max(1, _AT_ONCE // points_each)
        left = []
        for start in range(0, len(waiting), chunk):
            rows = waiting[start : start + chunk]
            some = shapes.take(rows)
            constants = coefficients[:, rows]
            points, inside = _nearest(
                some, exact[rows], steps[rows], form, constants, window, target, lattice, reach
            )
            dims[rows[inside]] = points[inside]
            left.append(rows[~inside])
        waiting = np.concatenate(left) if left else waiting
        if not len(waiting):
            break
    reasons[waiting] = NOT_ON_LATTICE
    return dims, reasons


def metric_range(
    shapes: Shapes, proportions: NDArray[np.float64], form: Form, lattice: Lattice
) -> NDArray[np.float64]:
    """The metric of shapes at their narrowest and widest, in the drawn proportions.

    Returns:
        shape (n, 2); NaN where the proportions do not fit between the limits.
    """
    coefficients = form.coefficients(shapes.numbers)
    lowest, highest = _limits(proportions, lattice)
    found = _ends(shapes, proportions, form, coefficients, lowest, highest)
    found[lowest > highest] = np.nan
    return found


def _limits(proportions: Array, lattice: Lattice) -> tuple[Array, Array]:
    """The lowest and the highest scale at which all widths are allowed."""
    return lattice.minimum / proportions.min(axis=1), lattice.maximum / proportions.max(axis=1)


def _ends(
    shapes: Shapes,
    proportions: Array,
    form: Form,
    coefficients: Array,
    lowest: Array,
    highest: Array,
) -> NDArray[np.float64]:
    """The metric at the lowest and the highest scale, shape (n, 2)."""
    scales = np.stack([lowest, highest], axis=1)
    widths = shapes.widths(np.rint(scales[:, None, :] * proportions[:, :, None]))
    total = np.zeros(scales.shape)
    known: Products = {}
    for factors, coefficient in zip(form.widths, coefficients, strict=True):
        total += coefficient[:, None] * product(factors, widths, known)
    return total


def _scales(
    shapes: Shapes,
    proportions: NDArray[np.float64],
    form: Form,
    coefficients: NDArray[np.float64],
    window: tuple[float, float],
    target: float,
    lattice: Lattice,
) -> tuple[Array, Array]:
    """The scale at which each shape costs the target, and why there is none, or ""."""
    n = len(proportions)
    reasons = np.full(n, "", dtype=object)
    lowest, highest = _limits(proportions, lattice)
    cheapest, dearest = _ends(shapes, proportions, form, coefficients, lowest, highest).T
    reasons[dearest < window[0]] = TOO_CHEAP
    reasons[cheapest > window[1]] = TOO_DEAR
    reasons[lowest > highest] = TOO_UNEQUAL
    constant, linear, quadratic = np.zeros((3, n))
    widths = shapes.widths(proportions, rounded=False)
    fixed = {STEM, HALF_STEM} if shapes.stem_width is not None else set()
    known: Products = {}
    for factors, coefficient in zip(form.widths, coefficients, strict=True):
        degree = sum(power for name, power in factors if name not in fixed)
        assert 0 <= degree <= 2, factors
        (constant, linear, quadratic)[degree][:] += coefficient * product(factors, widths, known)
    missing = np.maximum(target - constant, 0)
    root = np.sqrt(linear**2 + 4 * quadratic * missing)
    scale = 2 * missing / (linear + root)
    return np.minimum(np.maximum(scale, lowest), highest), reasons


def _nearest(
    shapes: Shapes,
    exact: NDArray[np.float64],
    steps: NDArray[np.int64],
    form: Form,
    coefficients: NDArray[np.float64],
    window: tuple[float, float],
    target: float,
    lattice: Lattice,
    reach: int,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The best lattice point within `reach` steps of each solution, and whether there is one."""
    n, stages = exact.shape
    offsets, grid = _grid(stages, reach)
    axes = (np.floor(exact / steps).astype(np.int64)[:, :, None] + offsets) * steps[:, :, None]
    allowed = (axes >= lattice.minimum) & (axes <= lattice.maximum) & (axes > 0)
    change = np.full(axes.shape, np.inf)
    np.log(axes / exact[:, :, None], out=change, where=allowed)
    change = np.abs(change)

    def on_grid(values: Array, stage: int) -> Array:
        return values[:, grid[stage]]

    worst = on_grid(change[:, 0], 0)
    for stage in range(1, stages):
        worst = np.maximum(worst, on_grid(change[:, stage], stage))
    _keep_order(axes, exact, grid, worst, lattice.tie)
    axis_widths = shapes.widths(axes)
    stage_of = {f"{name}.{s + 1}": s for name in ("dims", "hidden") for s in range(stages)}
    cost = np.zeros(worst.shape)
    for factors, coefficient in zip(form.widths, coefficients, strict=True):
        term: Array = coefficient[:, None]
        for name, power in factors:
            values = on_grid(axis_widths[name].astype(np.float64), stage_of.get(name, 0))
            term = term * (values if power == 1 else values**power)
        cost += term
    outside = (cost < window[0]) | (cost > window[1])
    worst = np.where(outside, np.inf, worst)
    best = worst.min(axis=1)
    tied = worst <= best[:, None] * (1 + 1e-12) + 1e-12
    choice = np.where(tied, np.abs(cost - target), np.inf).argmin(axis=1)
    rows = np.arange(n)
    points = np.stack([axes[rows, s, grid[s][choice]] for s in range(stages)], axis=1)
    return points, np.isfinite(best)


def _keep_order(axes: Array, exact: Array, grid: Array, worst: Array, tie: str) -> None:
    """Rule out the points that turn the order of two neighbouring widths around."""
    for stage in range(1, axes.shape[1]):
        rises = np.sign(exact[:, stage] - exact[:, stage - 1])
        step = axes[:, stage][:, grid[stage]] - axes[:, stage - 1][:, grid[stage - 1]]
        if tie == "shared":
            worst[step != 0] = np.inf
        else:
            rises[rises == 0] = {"free": 0, "non_decreasing": 1, "non_increasing": -1}[tie]
            worst[step * rises[:, None] < 0] = np.inf


@lru_cache(maxsize=64)
def _grid(stages: int, reach: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Steps on one axis, and for each stage which of them each point of the grid takes."""
    offsets = np.arange(2 * reach) - reach + 1
    grid = np.array(list(itertools.product(range(2 * reach), repeat=stages))).T
    return offsets, grid
