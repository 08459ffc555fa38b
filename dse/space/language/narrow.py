"""A narrower space: the same choices, fewer of their values, as a file that `extends` this one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dse.space.language.choices import Parameter, StageParameter
from dse.space.language.design_space import DesignSpace
from dse.space.language.priors import Prior, Value, plain
from dse.space.language.widths import Widths

Range = tuple[float | None, float | None]
Limits = Range | frozenset[str]
"""The range of a slot that stays, None for an end that does; or the values that do not, as text."""


def settable(space: DesignSpace) -> frozenset[str]:
    """The free slots whose values a narrower space can say by themselves.

    Those of choices with a condition are none, nor are numbers in an order without a step, whose
    stages must have the same limits.
    """
    found = set()
    for name, parameter in space.parameters.given.items():
        if isinstance(parameter, Parameter | StageParameter) and parameter.when is not None:
            continue
        priors = {slot: prior for slot, prior in space.slots.items() if _is_of(slot, name)}
        tie = getattr(parameter, "tie", "free")
        if tie in ("non_decreasing", "non_increasing"):
            priors = {slot: prior for slot, prior in priors.items() if prior.values is not None}
        found |= {slot for slot, prior in priors.items() if not prior.is_fixed}
    return frozenset(found)


def narrowed(space: DesignSpace, kept: Mapping[str, Limits]) -> dict[str, Any]:
    """The `parameters` of a file that extends the space and keeps only these values.

    Args:
        space: the wider space.
        kept: by slot, of those that are `settable`.
    """
    assert kept.keys() <= settable(space), "a slot that cannot be set"
    slots = {
        slot: restricted(prior, kept[slot]) if slot in kept else prior
        for slot, prior in space.slots.items()
    }
    return {
        name: _definition(name, parameter, slots, kept.keys())
        for name, parameter in space.parameters.given.items()
        if any(_is_of(slot, name) for slot in kept)
    }


def restricted(prior: Prior, limits: Limits) -> Prior:
    """A prior with fewer of its values."""
    if isinstance(limits, frozenset):
        left = [value for value in prior.values or () if text(value) not in limits]
        return Prior(choice=tuple(left))
    low, high = limits
    if prior.values is not None:
        left = [value for value in prior.values if _is_between(value, low, high)]
        if prior.choice is not None:
            return Prior(choice=tuple(left))
        ends: tuple[Any, Any] = (min(left), max(left))  # type: ignore[type-var]
    else:
        least, most = prior.limits
        ends = (
            least if low is None else min(max(_short(low), least), most),
            most if high is None else max(min(_short(high), most), least),
        )
    return Prior.model_validate(
        {prior.kind: list(ends)}
        | {key: value for key in ("step", "round") if (value := getattr(prior, key)) is not None}
    )


def text(value: Value) -> str:
    """A value as a level is called: `none` for null, numbers in six digits."""
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _definition(
    name: str,
    parameter: Parameter | StageParameter | Widths,
    slots: Mapping[str, Prior],
    kept: Any,
) -> dict[str, Any]:
    own = {slot: prior for slot, prior in slots.items() if _is_of(slot, name)}
    if isinstance(parameter, Parameter):
        return _spelled(own[name])
    if isinstance(parameter, StageParameter):
        return _of_stages(name, parameter, own)
    if parameter.quantized_linear is not None:
        line = {slot.removeprefix(f"{name}."): p.definition() for slot, p in own.items()}
        return {"quantized_linear": line}
    if parameter.absolute is not None:
        data = _of_stages(name, parameter.absolute, own)
        return {"per_stage": data["shared"]} if "shared" in data else data
    assert parameter.growth is not None
    data = {}
    growth = {slot: prior for slot, prior in own.items() if _is_of(slot, f"{name}.growth")}
    if growth.keys() & kept:
        data["growth"] = _of_stages(f"{name}.growth", parameter.growth, growth)
    if f"{name}.first" in kept:
        data["first"] = own[f"{name}.first"].definition()
    return data


def _of_stages(name: str, parameter: StageParameter, own: Mapping[str, Prior]) -> dict[str, Any]:
    if parameter.any_of is not None:
        left = set(own[name].values or ())
        whole = [list(v) for v in parameter.any_of if "-".join(map(str, v)) in left]
        return {"any_of": whole}
    if name in own:
        return {"shared": own[name].definition()}
    return {"per_stage": [prior.definition() for prior in own.values()]}


def _spelled(prior: Prior) -> dict[str, Any]:
    data = prior.definition()
    return data if isinstance(data, dict) else {"choice": [data]}


def _is_of(slot: str, name: str) -> bool:
    return slot == name or slot.startswith(f"{name}.")


def _is_between(value: Value, low: float | None, high: float | None) -> bool:
    if not isinstance(value, int | float):
        return False
    margin = 1e-9 * max(abs(value), 1e-300)
    return (low is None or value >= low - margin) and (high is None or value <= high + margin)


def _short(number: float) -> float:
    return float(plain(float(f"{number:.4g}")))
