"""What budgets a space can meet."""

from __future__ import annotations

from collections import Counter

import numpy as np

from dse.errors import UserError
from dse.space.sampling.budget import Budget
from dse.space.sampling.shapes import Drawer, rows_of
from dse.space.sampling.solve import Lattice, metric_range
from dse.space.sampling.streams import Stream
from dse.space.sampling.structures import TOO_SMALL, Shapes, split

_WORD = 0xFEA51


def feasible_range(
    drawer: Drawer, budget: Budget, *, key: tuple[int, ...], draws: int = 2048
) -> tuple[float, float]:
    """Lowest and highest value of the budget's metric that `draws` drawn shapes can reach.

    Raises:
        UserError: no drawn shape fits the widths allowed, or the image, at any budget.
    """
    space = drawer.space
    stream = Stream(key=(*key, _WORD), columns=max(1, len(drawer.columns)))
    drawn, outside = drawer.draw(stream.points(np.arange(draws), 0)[:, 0])
    lattice = Lattice.of(space.parameters.dims)
    inside = np.flatnonzero(outside == "")
    if not len(inside):
        raise UserError(f"space {space.name!r}: none of {draws} draws is in it: {outside[0]}.")
    some = rows_of(drawn, inside)
    ranges, reasons = [np.empty((0, 2))], Counter[str]()
    for structure, rows in split(drawer, some):
        try:
            forms = structure.forms(budget.resolution)
        except UserError as error:
            reasons[str(error).rstrip(".")] += len(rows)
            continue
        these = rows_of(some, rows)
        shapes = Shapes.of(structure, drawer, these)
        ranges.append(metric_range(shapes, these["proportions"], forms[budget.metric], lattice))
    found = np.concatenate(ranges)
    if TOO_SMALL in reasons and not len(found):
        raise UserError(
            f"--resolution {budget.resolution}: is {TOO_SMALL}, {space.stages} in space "
            f"{space.name!r}."
        )
    if not len(found):
        ((reason, _),) = reasons.most_common(1)
        raise UserError(f"space {space.name!r}: none of its networks can be built: {reason}.")
    if np.isnan(found).all():
        raise UserError(
            f"space {space.name!r}: parameters.dims: no drawn proportions fit between minimum and "
            "maximum; widen them or narrow growth."
        )
    return float(np.nanmin(found[:, 0])), float(np.nanmax(found[:, 1]))
