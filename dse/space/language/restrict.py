"""Whether a space only restricts the one that it extends."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from dse.config import Location
from dse.space.language.choices import Parameter, StageParameter
from dse.space.language.parameters import Parameters, default_value
from dse.space.language.priors import Prior, Value, shown
from dse.space.language.widths import Widths

Choice = Parameter | StageParameter


def loosened(parent: Parameters, child: Parameters, stages: int) -> Iterator[tuple[Location, str]]:
    """Everything that a child may draw and its parent may not: where it is, and what.

    Widths along a line (`quantized_linear`) restrict widths that are free for each stage.
    """
    yield from _loosened_widths(parent.dims, child.dims, stages)
    for name in Parameters.model_fields:
        if name == "dims" or (name == "depths" and child.depths is None):
            continue
        before, after = (_choice(parameters, name) for parameters in (parent, child))
        if before == after:
            continue
        for was, now in _pairs(name, before, after, child):
            excess = _excess(now, was, stages)
            if excess:
                yield (name,), excess
                break


def _choice(parameters: Parameters, name: str) -> Choice:
    """A parameter, or the fixed value that stands for one that is not given."""
    given = getattr(parameters, name)
    if given is not None:
        assert isinstance(given, Parameter | StageParameter)
        return given
    fixed = (default_value(name),)
    if name == "group_width":
        return StageParameter(shared=Prior(choice=fixed))
    return Parameter(choice=fixed)


def _pairs(
    name: str, parent: Choice, child: Choice, parameters: Parameters
) -> Iterator[tuple[Choice, Choice]]:
    """What is drawn in the parent and in the child, wherever their conditions hold or not."""
    conditions = parent.when or {}, child.when or {}
    keys = list(conditions[0] | conditions[1])
    alike: list[list[Value]] = []  # of values that both conditions treat alike, one is enough
    for key in keys:
        asked = [condition.get(key, ()) for condition in conditions]
        possible = parameters.possible(key) or ()
        alike.append(list({tuple(v in values for values in asked): v for v in possible}.values()))
    seen = set()
    for combination in itertools.product(*alike):
        assignment = dict(zip(keys, combination, strict=True))
        holds = parent.holds(assignment), child.holds(assignment)
        if holds not in seen:
            seen.add(holds)
            was, now = (
                choice if held else _fixed(choice, name)
                for choice, held in zip((parent, child), holds, strict=True)
            )
            yield was, now


def _fixed(choice: Choice, name: str) -> Choice:
    value = choice.otherwise if choice.has_otherwise else default_value(name)
    if isinstance(choice, Parameter):
        return Parameter(choice=(value,))
    return StageParameter(shared=Prior(choice=(value,)))


def _excess(child: Choice, parent: Choice, stages: int) -> str:
    """What the child may draw and the parent may not, or ""."""
    if isinstance(child, Parameter) and isinstance(parent, Parameter):
        return _excess_of_prior(child, parent)
    assert isinstance(child, StageParameter)
    assert isinstance(parent, StageParameter)
    return _excess_of_stages(child, parent, stages)


def _excess_of_prior(child: Prior, parent: Prior) -> str:
    low, high = child.limits if child.values is None else (None, None)
    if parent.values is not None:
        if child.values is None:
            return f"may hold {_listed(parent.values)}, not all from {low:g} to {high:g}"
        allowed = set(parent.values)
        outside = (value for value in child.values if value not in allowed)
        what = _listed(parent.values)
    else:
        least, most = parent.limits
        values = (low, high) if child.values is None else child.values
        outside = (
            value
            for value in values
            if not (isinstance(value, int | float) and least <= value <= most)
        )
        what = f"numbers from {least:g} to {most:g}"
    return next((f"may hold {what}, not {shown(value)}" for value in outside), "")


def _excess_of_stages(child: StageParameter, parent: StageParameter, stages: int) -> str:
    lists = child.lists(stages)
    if parent.any_of is not None:
        for values in lists or ():
            if values not in parent.any_of:
                return f"may hold {_lists(parent.any_of)}, not {list(values)}"
        return "" if lists else f"may hold {_lists(parent.any_of)} only"
    before = _each_stage(parent, stages)
    if lists is not None:
        for values in lists:
            for prior, value in zip(before, values, strict=True):
                excess = _excess_of_prior(Prior(choice=(value,)), prior)
                if excess:
                    return excess
            if not _keeps(values, parent.order):
                return f"{list(values)} is not {_word(parent.order)}"
        return ""
    for prior, was in zip(_each_stage(child, stages), before, strict=True):
        excess = _excess_of_prior(prior, was)
        if excess:
            return excess
    if stages > 1 and child.order not in ("shared", parent.order) and parent.order != "free":
        return f"must be {_word(parent.order)}, with tie: {parent.order}"
    return ""


def _each_stage(parameter: StageParameter, stages: int) -> tuple[Prior, ...]:
    priors = parameter.priors(stages)
    return priors * stages if parameter.is_shared else priors


def _keeps(values: tuple[Value, ...], tie: str) -> bool:
    pairs: list[tuple[Any, Any]] = list(itertools.pairwise(values))
    return {
        "free": True,
        "shared": all(a == b for a, b in pairs),
        "non_decreasing": all(a <= b for a, b in pairs),
        "non_increasing": all(a >= b for a, b in pairs),
    }[tie]


def _loosened_widths(parent: Widths, child: Widths, stages: int) -> Iterator[tuple[Location, str]]:
    if child.multiple_of % parent.multiple_of:
        yield ("dims", "multiple_of"), f"must be a multiple of {parent.multiple_of}"
    if child.minimum < parent.minimum:
        yield ("dims", "minimum"), f"must be {parent.minimum} at least, not {child.minimum}"
    if child.maximum > parent.maximum:
        yield ("dims", "maximum"), f"must be {parent.maximum} at most, not {child.maximum}"
    if parent.quantized_linear is not None:
        if child.quantized_linear is None:
            yield ("dims",), "must be drawn as quantized_linear"
            return
        line = child.quantized_linear.priors
        for name, prior in parent.quantized_linear.priors.items():
            excess = _excess_of_prior(line[name], prior)
            yield from _told(("dims", "quantized_linear", name), excess)
    elif child.quantized_linear is not None:
        return
    elif parent.growth is not None and child.growth is not None:
        excess = _excess_of_stages(child.growth, parent.growth, stages - 1)
        yield from _told(("dims", "growth"), excess)
        if parent.first is not None and child.first is not None:
            yield from _told(("dims", "first"), _excess_of_prior(child.first, parent.first))
    elif parent.absolute is not None and child.absolute is not None:
        yield from _told(("dims",), _excess_of_stages(child.absolute, parent.absolute, stages))
    else:
        yield ("dims",), f"must be drawn as {'growth' if parent.growth else 'per_stage'}"


def _told(place: Location, excess: str) -> Iterator[tuple[Location, str]]:
    if excess:
        yield place, excess


def _word(tie: str) -> str:
    return "the same in all stages" if tie == "shared" else tie.replace("_", "-")


def _listed(values: tuple[Value, ...]) -> str:
    words = list(map(shown, values))
    return ", ".join(words if len(words) <= 8 else [*words[:3], "...", words[-1]])


def _lists(lists: tuple[Any, ...]) -> str:
    return ", ".join(str(list(values)) for values in lists[:8])
