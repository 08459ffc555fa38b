"""A filter as a narrower design space: what of it a space can say, and what it cannot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import yaml

from dse.dashboard.filters import Condition, Filter, Range, meets
from dse.errors import UserError
from dse.space.language.choices import StageParameter
from dse.space.language.design_space import DesignSpace
from dse.space.language.narrow import Limits, narrowed, settable, text
from dse.space.language.priors import Value


@dataclass(frozen=True, kw_only=True)
class Restriction:
    """The part of a filter that a space can say.

    Attributes:
        parameters: those of a file that extends the space; empty if there are none to say.
        unsaid: a sentence for each condition that a space cannot say.
    """

    parameters: Mapping[str, Any]
    unsaid: tuple[str, ...]


def restriction(asked: Filter, space: DesignSpace) -> Restriction:
    """What a space without the values that a filter leaves out would be.

    It holds at least the networks that the filter keeps, and more where something is `unsaid`, or
    where whole lists are drawn.

    Raises:
        UserError: it would leave no value of a choice.
    """
    free = settable(space)
    conditions: dict[str, dict[str, Condition]] = {}
    unsaid = []
    for column, condition in asked.conditions.items():
        slot = slot_of(column, space)
        if slot is not None and slot in free:
            conditions.setdefault(slot, {})[column] = condition
        elif slot is None or not space.slots[slot].is_fixed:
            unsaid.append(why_not(column, slot))
    found = {slot: _limits(slot, several, space) for slot, several in conditions.items()}
    kept = {slot: limits for slot, limits in found.items() if limits is not None}
    return Restriction(parameters=narrowed(space, kept) if kept else {}, unsaid=tuple(unsaid))


def restriction_yaml(asked: Filter, space: DesignSpace) -> str:
    """The YAML file of the narrower space, with what it cannot say as comments.

    Raises:
        UserError: nothing of the filter is a choice of the space, or no value would be left.
    """
    found = restriction(asked, space)
    if not found.parameters:
        raise UserError(
            f"{space.name}: no condition narrows what this space draws: "
            f"{' '.join(found.unsaid) or 'its choices are free as before.'}"
        )
    comments = [
        f"The space {space.name} ({space.hash}) where: {asked.words}.",
        "`extends` names the file of that space, as seen from this one.",
        *found.unsaid,
    ]
    data = {
        "format": 1,
        "name": f"{space.name[:55]}-selected",
        "extends": f"{space.name}.yaml",
        "parameters": dict(found.parameters),
    }
    written = yaml.safe_dump(
        data, sort_keys=False, allow_unicode=True, default_flow_style=None, width=96
    )
    return "".join(f"# {_one_line(comment)}\n" for comment in comments) + written


def slot_of(column: str, space: DesignSpace) -> str | None:
    """The slot that alone decides a column; None if there is none, as for widths under a budget."""
    if not column.startswith("arch.") or column.startswith("arch.dims."):
        return None
    name = column.removeprefix("arch.")
    base, _, stage = name.rpartition(".")
    if name in space.slots and lists_of(name, space) is None:
        return name
    drawn_once = isinstance(space.parameters.given.get(base), StageParameter)
    return base if drawn_once and stage.isdecimal() and base in space.slots else None


def _one_line(words: str) -> str:
    """For a comment, which no character of a name may end."""
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())


def why_not(column: str, slot: str | None) -> str:
    """The sentence for a condition on a column that a space cannot say."""
    if not column.startswith("arch."):
        return f"Not said here: {column}, as a space says choices alone."
    if slot is None:
        return f"Not said here: {column}, which follows from other choices or from the budget."
    return f"Not said here: {column}, which hangs on another choice or on an order of the stages."


def _limits(slot: str, conditions: Mapping[str, Condition], space: DesignSpace) -> Limits | None:
    """What stays of a slot under the conditions on its columns; None if all of it does.

    Raises:
        UserError: nothing does, or a continuum would have to be said value by value.
    """
    prior = space.slots[slot]
    ranges = [condition for condition in conditions.values() if isinstance(condition, Range)]
    if prior.values is None and len(ranges) < len(conditions):
        raise UserError(f"{slot}: {space.name} draws it from a continuum; give LOW..HIGH.")
    left = None if prior.values is None else _left(slot, conditions, space)
    if left is not None and left == list(prior.values or ()):
        return None
    low = max((r.low for r in ranges if r.low is not None), default=None)
    high = min((r.high for r in ranges if r.high is not None), default=None)
    if left is None:
        least, most = prior.limits
        lowest, highest = least if low is None else low, most if high is None else high
        is_empty = max(least, lowest) > min(most, highest)
    else:
        is_empty = not left
    if is_empty:
        raise UserError(f"{slot}: no value of {space.name} would be left.")
    if prior.choice is None and len(ranges) == len(conditions):
        return low, high
    assert prior.values is not None
    assert left is not None
    return frozenset(text(value) for value in prior.values if value not in left)


def lists_of(slot: str, space: DesignSpace) -> tuple[tuple[float, ...], ...] | None:
    """The whole lists that a slot stands for, one value for each stage; None if for none."""
    parameter = space.parameters.given.get(slot)
    return parameter.any_of if isinstance(parameter, StageParameter) else None


def _left(slot: str, conditions: Mapping[str, Condition], space: DesignSpace) -> list[Value]:
    """The values of a slot that meet every condition; of whole lists each looks at one stage."""
    values = list(space.slots[slot].values or ())
    lists = lists_of(slot, space)
    kept = np.ones(len(values), dtype=np.bool_)
    for column, condition in conditions.items():
        looked_at: list[Any] = values
        if lists is not None:
            stage = int(column.rpartition(".")[2])
            looked_at = [row[stage - 1] if stage <= len(row) else None for row in lists]
        kept &= meets(pd.Series(looked_at, dtype=object), condition)
    return [value for value, keep in zip(values, kept, strict=True) if keep]
