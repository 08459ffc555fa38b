"""Points into networks with widths and costs, or the reasons why there are none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dse.architecture.form import METRICS, Form, evaluate
from dse.architecture.spec import Architecture
from dse.errors import UserError
from dse.space.sampling.budget import COUNTED, Budget, Limit
from dse.space.sampling.compatible import compatible
from dse.space.sampling.shapes import STAGED, Array, Drawer, Draws, rows_of
from dse.space.sampling.solve import Lattice, solve
from dse.space.sampling.structures import Shapes, Structure, split

OFF_LIMITS = "a width beyond the limits"
OFF_WINDOW = "outside the window"
FITTED = "fitted_group_width"
"""Group widths as built, next to those drawn."""
UNFIT_GROUPS = "groups do not divide the widths"


@dataclass(frozen=True)
class Draft:
    """n networks on paper, those that are refused included.

    Attributes:
        draws: what was drawn.
        dims: widths, shape (n, stages).
        costs: FLOPs, parameters and activations, shape (n, 3).
        reasons: why a network is refused, or "".
    """

    draws: Draws
    dims: NDArray[np.int64]
    costs: NDArray[np.float64]
    reasons: Array

    def take(self, rows: NDArray[np.int64]) -> Draft:
        """Some of the networks."""
        if len(rows) == len(self.dims) and (rows == np.arange(len(rows))).all():
            return self
        return Draft(
            rows_of(self.draws, rows), self.dims[rows], self.costs[rows], self.reasons[rows]
        )

    @staticmethod
    def join(drafts: list[Draft]) -> Draft:
        """All networks of several."""
        if len(drafts) == 1:
            return drafts[0]
        names = drafts[0].draws
        return Draft(
            {name: np.concatenate([d.draws[name] for d in drafts]) for name in names},
            np.concatenate([d.dims for d in drafts]),
            np.concatenate([d.costs for d in drafts]),
            np.concatenate([d.reasons for d in drafts]),
        )

    def architecture(self, drawer: Drawer, row: int) -> Architecture:
        """A network as a value.

        Raises:
            UserError: its choices do not go together.
        """
        draws = self.draws
        fields: dict[str, Any] = {"dims": tuple(self.dims[row].tolist())}
        for name in STAGED:
            if name in draws:
                fields[name] = tuple(draws[name][row].tolist())
        if FITTED in draws:
            fields["group_width"] = tuple(draws[FITTED][row].tolist())
        for name in ("depths", "kernel_sizes", "group_width"):
            if name in fields:
                fields[name] = tuple(int(value) for value in fields[name])
        if fields.get("group_width", (1,))[0] == 0:
            del fields["group_width"]
        for name, values in drawer.values.items():
            drawn = draws[name][row]
            fields[name] = float(drawn) if values is None else values[drawn]
        ratio = fields.pop("stem_ratio", None)
        if ratio is not None and ratio != 1:
            fields["stem_width"] = max(1, round(ratio * fields["dims"][0]))
        return Architecture(**fields)


def draft(drawer: Drawer, budget: Budget, population: str, points: NDArray[np.float64]) -> Draft:
    """The networks of some points, shape (n, columns), in the budget where that can be."""
    draws, reasons = drawer.draw(points)
    n = len(points)
    found = Draft(
        draws, np.zeros((n, drawer.space.stages), dtype=np.int64), np.zeros((n, 3)), reasons
    )
    if population == "conditioned" and "group_width" in draws:
        draws[FITTED] = draws["group_width"].copy()
    inside = np.flatnonzero(reasons == "")
    some = rows_of(draws, inside)
    if len(inside):
        for structure, rows in split(drawer, some):
            _fill(found, drawer, budget, population, structure, inside[rows])
        drawer.refuse(draws, reasons, found.dims)
    return found


def _fill(
    found: Draft,
    drawer: Drawer,
    budget: Budget,
    population: str,
    structure: Structure,
    rows: NDArray[np.int64],
) -> None:
    """Give the networks of one structure their widths and costs."""
    try:
        forms = structure.forms(budget.resolution)
    except UserError as error:
        found.reasons[rows] = str(error).rstrip(".")
        return
    draws = rows_of(found.draws, rows)
    if population == "conditioned":
        multiple = drawer.space.parameters.dims.multiple_of
        draws["dims"] = np.maximum(1, np.rint(draws["dims"] / multiple)) * multiple
        dims, groups = compatible(draws, block_order=structure["block_order"])
        if groups is not None:
            found.draws[FITTED][rows] = draws["group_width"] = groups
    shapes = Shapes.of(structure, drawer, draws)
    if population == "conditioned":
        lattice = Lattice.of(drawer.space.parameters.dims)
        beyond = ((dims < lattice.minimum) | (dims > lattice.maximum)).any(axis=1)
        reasons = np.where(beyond, OFF_LIMITS, "").astype(object)
    else:
        lattice = Lattice.of(drawer.space.parameters.dims)
        form = forms[budget.metric]
        dims, reasons = solve(shapes, draws["proportions"], form, budget.window, lattice)
    reasons[(reasons == "") & ~shapes.fit(np.maximum(dims, 1))] = UNFIT_GROUPS
    found.dims[rows] = dims
    found.costs[rows] = _costs(shapes, dims, forms)
    _refuse_costs(reasons, found.costs[rows], budget)
    found.reasons[rows] = reasons
    if structure["block_order"] == "basic":  # the one order that not all choices go with
        _refuse_impossible(found, drawer, rows[reasons == ""])


def _refuse_impossible(found: Draft, drawer: Drawer, rows: NDArray[np.int64]) -> None:
    for row in rows:
        try:
            found.architecture(drawer, int(row))
        except UserError as error:
            found.reasons[row] = str(error).rstrip(".")


def _costs(shapes: Shapes, dims: NDArray[np.int64], forms: dict[str, Form]) -> NDArray[np.float64]:
    numbers = {**shapes.numbers, **shapes.widths(dims.astype(np.float64))}
    return evaluate([forms[metric] for metric in METRICS], numbers).T


def _refuse_costs(reasons: Array, costs: NDArray[np.float64], budget: Budget) -> None:
    low, high = budget.window
    value = costs[:, METRICS.index(budget.metric)]
    reasons[(reasons == "") & ((value < low) | (value > high))] = OFF_WINDOW
    for limit in budget.limits:
        if limit.metric in COUNTED:
            beyond = costs[:, METRICS.index(limit.metric)] > limit.most
            reasons[(reasons == "") & beyond] = above(limit)


def above(limit: Limit) -> str:
    """The reason of a network that exceeds a limit."""
    return f"above the limit on {limit.metric}"
