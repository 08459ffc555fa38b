"""What each parameter of a network may hold."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dse.architecture.checks import MAX_DEPTH, MAX_EXPANSION, MAX_KERNEL, MAX_WIDTH
from dse.architecture.spec import CHOICES, Architecture
from dse.config import NOT_A_BOOLEAN
from dse.space.language.priors import Prior, Value, shown

DEFAULTS = {field.name: field.default for field in dataclasses.fields(Architecture)}
"""ConvNeXt-T's values."""


@dataclass(frozen=True, slots=True)
class Domain:
    """The values that may be given to one parameter.

    Attributes:
        what: in words.
        allows: whether a value, no boolean unless they are allowed, is one of them.
        kinds: which of number, text, boolean and null there are.
        continuous: whether all numbers of a range may be drawn.
    """

    what: str
    allows: Callable[[Value], bool]
    kinds: frozenset[str]
    continuous: bool = False

    def check(self, prior: Prior) -> None:
        """Refuse a prior that may give another value.

        Raises:
            ValueError: the sentence names the value and what is allowed.
        """
        if prior.values is not None:
            self.check_values(prior.values)
        elif self.continuous:
            self.check_values(prior.limits)
        elif "number" in self.kinds:
            raise ValueError(f"may hold {self.what}; add a step")
        else:
            raise ValueError(f"give a choice of {self.what}")

    def check_values(self, values: Iterable[Value]) -> None:
        """Refuse values outside the domain.

        Raises:
            ValueError: the sentence names the value and what is allowed.
        """
        for value in values:
            if isinstance(value, bool) and "boolean" not in self.kinds:
                raise ValueError(NOT_A_BOOLEAN)
            if not self.allows(value):
                raise ValueError(f"may hold {self.what}, not {shown(value)}")


def _numbers(
    what: str, allows: Callable[[float], bool], *, null: bool = False, continuous: bool = True
) -> Domain:
    def allowed(value: Value) -> bool:
        if value is None:
            return null
        return isinstance(value, int | float) and allows(value)

    kinds = frozenset({"number", "null"} if null else {"number"})
    return Domain(f"{what} and null" if null else what, allowed, kinds, continuous)


def _whole(allowed: range, *, null: bool = False, odd: str = "", what: str | None = None) -> Domain:
    what = what or f"{odd}whole numbers from {allowed[0]} to {allowed[-1]}"
    return _numbers(
        what, lambda v: isinstance(v, int) and v in allowed, null=null, continuous=False
    )


def _flag(*, null: bool = False) -> Domain:
    values = (True, False, None) if null else (True, False)
    kinds = frozenset({"boolean", "null"} if null else {"boolean"})
    what = "true, false and null" if null else "true and false"
    return Domain(what, lambda value: any(value is allowed for allowed in values), kinds)


def _names(allowed: tuple[str, ...]) -> Domain:
    return Domain(", ".join(allowed), lambda value: value in allowed, frozenset({"text"}))


_WIDTHS = range(1, MAX_WIDTH + 1)
_RATIO = _numbers(
    f"numbers from 1/{MAX_WIDTH} to {MAX_WIDTH}", lambda v: 1 / MAX_WIDTH <= v <= MAX_WIDTH
)

DOMAINS: dict[str, Domain] = {
    "depths": _whole(range(1, MAX_DEPTH + 1)),
    "dims": _whole(_WIDTHS),
    "kernel_sizes": _whole(range(1, MAX_KERNEL + 1, 2), odd="odd "),
    "expansion_ratio": _numbers(
        f"positive numbers up to {MAX_EXPANSION:g}", lambda v: 0 < v <= MAX_EXPANSION
    ),
    "group_width": _whole(_WIDTHS, null=True),
    **{name: _names(allowed) for name, allowed in CHOICES.items()},
    "groups": _whole(_WIDTHS, null=True),
    "norms_per_block": _whole(range(4), what="0, 1, 2 or 3"),
    "acts_per_block": _whole(range(4), what="0, 1, 2 or 3"),
    "grn": _flag(),
    "bias": _flag(null=True),
    "patch_size": _whole(range(1, MAX_KERNEL + 1)),
    "stem_width": _whole(_WIDTHS, null=True),
    "stem_norm": _flag(),
    "stem_act": _flag(null=True),
    "downsample_norm": _flag(),
    "shortcut_norm": _flag(),
    "head_norm": _flag(null=True),
    "ls_init_value": _numbers("numbers", lambda v: abs(v) < 1e30, null=True),
    "drop_path_rate": _numbers("numbers from 0 to below 1", lambda v: 0 <= v < 1),
    "stem_ratio": _RATIO,
}
"""By the name of the parameter: the fields of `Architecture`, and the stem's width over that of the
first stage."""

GROWTH = _RATIO
"""Width of a stage over that of the stage before."""
INITIAL_WIDTH = _numbers(f"positive numbers up to {MAX_WIDTH}", lambda v: 0 < v <= MAX_WIDTH)
"""RegNet's w0."""
SLOPE = _numbers(f"numbers from 0 to {MAX_WIDTH}", lambda v: 0 <= v <= MAX_WIDTH)
"""RegNet's wa."""
MULTIPLIER = _numbers(f"numbers above 1 up to {MAX_WIDTH}", lambda v: 1 < v <= MAX_WIDTH)
"""RegNet's wm."""
