"""What a space is, before any training: priors, feasibility, realised marginals, costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dse.analysis.corrected import holm
from dse.architecture.form import METRICS
from dse.space.describe.marginals import cells, fit, marginal_of
from dse.space.describe.regions import Share, feasibility
from dse.space.describe.words import (
    FACTORIAL,
    marginal_text,
    percent,
    prior_text,
    shapes_text,
    tie_text,
    when_text,
)
from dse.space.language.choices import StageParameter
from dse.space.language.design_space import DesignSpace, differences
from dse.space.language.parameters import Parameter, Widths
from dse.space.language.restrict import loosened
from dse.space.language.size import dimension, log10_size
from dse.space.sampling.batch import Batch, duplicates
from dse.space.sampling.sampler import Sampler
from dse.units import CONVENTION

Row = dict[str, Any]
EXAMPLES = 5
_REJECTED = 20_000
"""Of a population that is drawn by rejection so many draws are looked at, since few are used."""
_QUANTILES = ("minimum", "q05", "median", "q95", "maximum")


@dataclass(frozen=True, kw_only=True)
class Description:
    """What there is to say about a space, in rows with the same keys in each section.

    Attributes:
        space: the space, its size, and how networks were drawn.
        parameters: each slot with its prior and, of drawn networks, its realised marginal.
        widths: each stage's widths among the drawn networks.
        feasibility: shares of independent draws of the prior, and why others were refused.
        regions: the share that can meet the budget for each value, the least first.
        costs: distribution of each metric.
        examples: the first networks.
        dims: widths of all drawn networks, shape (n, stages).
        cost: their FLOPs, parameters and activations, shape (n, 3).
    """

    space: Row
    parameters: list[Row]
    widths: list[Row] = field(default_factory=list)
    feasibility: list[Row] = field(default_factory=list)
    regions: list[Row] = field(default_factory=list)
    costs: list[Row] = field(default_factory=list)
    examples: list[Row] = field(default_factory=list)
    dims: NDArray[np.int64] | None = None
    cost: NDArray[np.float64] | None = None

    @property
    def refused(self) -> float:
        """Upper limit of the share that the budget refuses; all, where limits are measured."""
        return 1.0 if self.space["measured"] else 1 - float(self.feasibility[1]["low"])

    def rows(self) -> Iterator[Row]:
        """All rows, with the section that each is of."""
        sections = {
            "space": [self.space],
            "parameter": self.parameters,
            "width": self.widths,
            "feasibility": self.feasibility,
            "region": self.regions,
            "cost": self.costs,
            "example": self.examples,
        }
        for section, rows in sections.items():
            yield from ({"section": section, **row} for row in rows)


def describe(
    space: DesignSpace, sampler: Sampler | None = None, *, draws: int = 500
) -> Description:
    """Describe a space and, with a sampler of it, what `draws` networks look like.

    Raises:
        UserError: no network can meet the budget.
    """
    if sampler is None:
        return Description(space=_space_row(space, None), parameters=_parameter_rows(space, None))
    batch = sampler.batch(np.arange(draws))
    samples = [batch.sample(row) for row in range(len(batch))]
    tried = draws if sampler.population == "solved" else max(draws, _REJECTED)
    found = feasibility(sampler, tried)
    meet = "can meet" if sampler.population == "solved" else "meet"
    shares = {"inside the space": found.inside, f"of these {meet} the budget": found.feasible}
    shares |= {f"refused: {r}": Share.counted(n, tried) for r, n in found.reasons.most_common()}
    dims, cost = batch.draft.dims, batch.draft.costs
    return Description(
        space=_space_row(space, sampler) | {"draws": draws, "duplicates": len(duplicates(samples))},
        parameters=_parameter_rows(space, batch, _conditioned(sampler)),
        widths=[
            {"stage": stage, **_quantiles(column), "n": draws}
            for stage, column in enumerate(dims.T, start=1)
        ],
        feasibility=[{"what": what, **asdict(share)} for what, share in shares.items()],
        regions=[{"slot": s, "value": v, **asdict(share)} for s, v, share in found.regions],
        costs=[
            {"metric": metric, **_quantiles(column), "n": draws}
            for metric, column in zip(METRICS, cost.T, strict=True)
        ],
        examples=[
            {"index": s.index, **asdict(s.cost), "architecture": s.architecture.to_dict()}
            for s in samples[:EXAMPLES]
        ],
        dims=dims,
        cost=cost,
    )


def compare_rows(a: DesignSpace, b: DesignSpace) -> Iterator[Row]:
    """The choices in which two spaces differ, both sizes, and whether one restricts the other."""
    rows = [
        *differences(a, b),
        ("free choices", *(str(dimension(space)) for space in (a, b))),
        ("number of shapes", *(shapes_text(log10_size(space)) for space in (a, b))),
    ]
    if any(_has_order(space) for space in (a, b)):
        counts = (shapes_text(log10_size(space, orderings="factorial")) for space in (a, b))
        rows.append((f"the same, {FACTORIAL}", *counts))
    if restricts(a, b):
        rows.append(("values", "", "all allowed by the first"))
    if restricts(b, a):
        rows.append(("values", "all allowed by the second", ""))
    for name, before, after in rows:
        yield {"section": "difference", "choice": name, "first": before, "second": after}


def restricts(parent: DesignSpace, child: DesignSpace) -> bool:
    """Whether all that a space may draw is surely in another; priors may differ."""
    required = {predicate.predicate for predicate in child.require}
    return (
        parent.stages == child.stages
        and required.issuperset(predicate.predicate for predicate in parent.require)
        and not any(loosened(parent.parameters, child.parameters, parent.stages))
    )


def feasibility_text(used: int, refusals: Mapping[str, int]) -> str:
    """How many of the drawn shapes could meet the budget, with a 95 % interval, and the reasons."""
    share = Share.counted(used, used + sum(refusals.values()))
    reasons = "".join(f"; {n:,} {reason}" for reason, n in Counter(refusals).most_common())
    interval = f"95 % interval {percent(share.low)} to {percent(share.high)}"
    return f"{used:,} of {share.of:,} drawn shapes could meet it ({interval}){reasons}"


def population_text(sampler: Sampler) -> str:
    """Which distribution a sampler's networks have."""
    if sampler.population == "solved":
        text = "the prior over shapes, pushed onto the budget by solving for the widths' scale"
    else:
        text = "the prior over networks, conditioned on the window by rejection"
    if sampler.design.kind == "sobol":
        text += ", a scrambled Sobol sequence"
    elif sampler.design.kind == "latin_hypercube":
        text += f", Latin hypercubes of {sampler.design.block}"
    if sampler.stratify:
        text += f", stratified by {' and '.join(sampler.stratify)}"
    return text


def _has_order(space: DesignSpace) -> bool:
    return any(_tie(space, slot).startswith("non_") for slot in space.slots)


def _space_row(space: DesignSpace, sampler: Sampler | None) -> Row:
    ordered = _has_order(space)
    return {
        "name": space.name,
        "hash": space.hash,
        "stages": space.stages,
        "dimension": dimension(space),
        "log10_size": log10_size(space),
        "log10_size_factorial": log10_size(space, orderings="factorial") if ordered else None,
        "require": [predicate.predicate for predicate in space.require],
        "description": space.description.strip(),
        "budget": None if sampler is None else str(sampler.budget),
        "population": None if sampler is None else population_text(sampler),
        "measured": None if sampler is None else bool(sampler.budget.measured),
        "solved": None if sampler is None else sampler.population == "solved",
        "design": None if sampler is None else str(sampler.design),
        "stratify": None if sampler is None else list(sampler.stratify),
        "seed": None if sampler is None else sampler.seed,
        "draws": None,
        "duplicates": None,
        "convention": CONVENTION,
    }


def _conditioned(sampler: Sampler) -> dict[str, str]:
    """The slots whose prior does not hold even without a budget, and why."""
    parameters, found = sampler.space.parameters, {}
    named = {name for p in sampler.space.require for name in p.names}
    for slot in sampler.drawer.columns:
        base = slot.partition(".")[0]
        if base == "dims" and parameters.dims.quantized_linear is not None:
            found[slot] = f"conditioned on {sampler.space.stages} stages"
        elif base in named and (base != "dims" or parameters.dims.absolute is not None):
            found[slot] = "conditioned on require"
        elif slot == "dims.first" and sampler.population == "solved":
            found[slot] = "not used: the budget sets the widths"
    return found


def _parameter_rows(
    space: DesignSpace, batch: Batch | None, conditioned: Mapping[str, str] | None = None
) -> list[Row]:
    """Every slot with its prior, and what came of it."""
    rows: list[Row] = []
    for slot, prior in space.slots.items():
        tie, when = tie_text(_tie(space, slot)), _when(space, slot)
        words = {"prior": prior_text(prior), "tie": tie, "when": when}
        found: Row = dict.fromkeys(_REALISED)
        if batch is not None and not prior.is_fixed:
            found |= _realised(space, batch, slot, (conditioned or {}).get(slot, ""))
        rows.append({"slot": slot, **words, "free": not prior.is_fixed, **found})
    tested = [row for row in rows if row["p"] is not None]
    for row, p in zip(tested, holm([row["p"] for row in tested]).tolist(), strict=True):
        row["p_holm"] = p
    return rows


_REALISED = (
    *("n", "realised", "note", "test", "statistic", "dof", "p", "p_holm"),
    *("deviation", "deviation_error", "deviation_at", "cells"),
)


def _realised(space: DesignSpace, batch: Batch, slot: str, note: str) -> Row:
    """What became of a slot's prior among the networks for which it was drawn."""
    draws = batch.draft.draws
    drawn = batch.drawer.slot(slot, draws)[batch.drawer.drawn(slot, draws)]
    marginal = marginal_of(space, slot)
    found = cells(marginal, drawn)
    row: Row = {"n": len(drawn), "note": note, "cells": [asdict(cell) for cell in found]}
    if len(drawn):
        shares = {cell.label: cell.share for cell in found}
        row["realised"] = marginal_text(drawn.tolist(), shares)
    if len(drawn) and not note:
        furthest = max(found, key=lambda cell: abs(cell.share - cell.prior))
        row["deviation"] = 100 * (furthest.share - furthest.prior)
        row["deviation_error"] = 100 * (furthest.prior * (1 - furthest.prior) / len(drawn)) ** 0.5
        row["deviation_at"] = furthest.label
        row |= asdict(fit(marginal, drawn))
    return row


def _tie(space: DesignSpace, slot: str) -> str:
    """How a slot hangs together with those of other stages."""
    base, _, rest = slot.partition(".")
    parameter: StageParameter | Parameter | Widths = getattr(space.parameters, base)
    staged: StageParameter | Parameter | Widths | None = parameter
    if isinstance(parameter, Widths):
        staged = parameter.growth if rest.startswith("growth") else parameter.absolute
    if not isinstance(staged, StageParameter) or staged.any_of is not None:
        return "free"
    return staged.order


def _when(space: DesignSpace, slot: str) -> str:
    """The condition of a slot in words; nothing where there is none."""
    base = slot.partition(".")[0]
    parameter = space.parameters.conditional.get(base)
    if parameter is None or parameter.when is None:
        return ""
    return when_text(parameter.when, space.parameters.otherwise(base))


def _quantiles(values: NDArray[Any]) -> Row:
    found = np.quantile(values, (0, 0.05, 0.5, 0.95, 1))
    return dict(zip(_QUANTILES, found.tolist(), strict=True))
