"""The values that a network of a space was drawn with, slot by slot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dse.space.language.design_space import DesignSpace
from dse.space.language.parameters import Parameter, StageParameter, Widths
from dse.space.language.priors import Prior, Value
from dse.space.sampling.shapes import Drawer, Draws


@dataclass(frozen=True)
class Group:
    """Slots that are drawn together: of one choice, or of one number of the widths.

    Attributes:
        name: what the slots' names begin with; the name of the only slot if there is one.
        parameter: the choice; None for a number of the widths.
        slots: the prior of each slot, in the order of the stages, fixed ones too.
    """

    name: str
    parameter: Parameter | StageParameter | None
    slots: dict[str, Prior]

    @property
    def free(self) -> dict[str, Prior]:
        """The slots that have more than one value."""
        return {name: prior for name, prior in self.slots.items() if not prior.is_fixed}

    @property
    def is_ordered(self) -> bool:
        """Whether the values of the stages may not fall, or not rise."""
        return (
            isinstance(self.parameter, StageParameter)
            and not self.parameter.is_shared
            and self.parameter.tie in ("non_decreasing", "non_increasing")
        )

    @property
    def falls(self) -> bool:
        """Of an ordered group, whether the values may not rise."""
        return isinstance(self.parameter, StageParameter) and self.parameter.tie == "non_increasing"


def groups(space: DesignSpace) -> Iterator[Group]:
    """All slots of a space; a conditional choice comes after those that it depends on."""

    def group(name: str, parameter: Parameter | StageParameter | None) -> Group:
        slots = space.slots.items()
        own = {key: p for key, p in slots if key == name or key.startswith(f"{name}.")}
        return Group(name, parameter, own)

    for name in space.parameters.order:
        parameter = space.parameters.given[name]
        if not isinstance(parameter, Widths):
            yield group(name, parameter)
        elif parameter.quantized_linear is not None:
            yield from (group(f"{name}.{key}", None) for key in parameter.quantized_linear.priors)
        elif parameter.absolute is not None:
            yield group(name, parameter.absolute)
        else:
            yield group(f"{name}.growth", parameter.growth)
            if parameter.first is not None:
                yield group(f"{name}.first", None)


def slot_values(drawer: Drawer, draws: Draws, row: int) -> dict[str, Value]:
    """The values of the free slots that were drawn for a network, by name.

    A slot whose condition does not hold is left out.
    """
    one = {name: values[row : row + 1] for name, values in draws.items()}
    found = {}
    for group in groups(drawer.space):
        for name, prior in group.free.items():
            if drawer.drawn(name, one)[0]:
                found[name] = value_of(group, prior, drawer.slot(name, one)[0])
    return found


def slot_columns(drawer: Drawer, draws: Draws) -> dict[str, NDArray[np.object_]]:
    """The same of all networks: (n,) for each free slot, NaN where it was not drawn."""
    found = {}
    for group in groups(drawer.space):
        for name, prior in group.free.items():
            drawn, values = drawer.drawn(name, draws), drawer.slot(name, draws)
            column = np.full(len(drawn), np.nan, dtype=object)
            known: dict[tuple[type, object], Value] = {}  # 1 and true are different values
            for row in np.flatnonzero(drawn):
                value = values[row]
                key = type(value), value
                if key not in known:
                    known[key] = value_of(group, prior, value)
                column[row] = known[key]
            found[name] = column
    return found


def value_of(group: Group, prior: Prior, drawn: Any) -> Value:
    """The value of a slot of which `drawn` was drawn."""
    if prior.values is None:
        low, high = prior.limits
        return min(max(float(drawn), float(low)), float(high))
    if group.name == "group_width" and drawn == 0:
        return None
    return prior.values[index_of(prior, drawn)]


def index_of(prior: Prior, value: Value) -> int:
    """Which of a prior's values one is, the last binary digits aside.

    Raises:
        ValueError: it is none of them.
    """
    assert prior.values is not None
    for k, listed in enumerate(prior.values):
        if listed == value and isinstance(listed, bool) == isinstance(value, bool):
            return k
    if isinstance(value, int | float) and not isinstance(value, bool):
        numbers = [v if isinstance(v, int | float) else np.inf for v in prior.values]
        nearest = int(np.abs(np.array(numbers, dtype=np.float64) - value).argmin())
        size = max(abs(v) for v in (*prior.limits, value)) if prior.choice is None else abs(value)
        if abs(numbers[nearest] - value) <= 1e-12 * size:
            return nearest
    raise ValueError(f"{value!r} is none of its values")
